"""A cohort in one act: the cohort, all its visits, the fact, and the planning of it, or nothing."""

from datetime import datetime
from uuid import UUID

import asyncpg

from services.scheduler.deps import Deps
from services.scheduler.domain.delivery import visits_for
from services.scheduler.storage import catalogue, cohorts, planning_jobs, visits
from services.scheduler.use_cases.check_cohort import CohortRequest, check_cohort, refusal_of
from shared.commands import Idempotency, command
from shared.contracts.cohort import CohortCreated
from shared.db import Connection
from shared.errors import Rejected
from shared.ids import new_id
from shared.kafka.outbox import emit


async def create_cohort(wanted: CohortRequest, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """From a page, the API or the command line. Raises `Rejected` with every fault that was found."""
    now = deps.clock.now()
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        return await cmd.done(await create_cohort_in(cmd.conn, wanted, now=now))


async def create_cohort_in(conn: Connection, wanted: CohortRequest, *, now: datetime) -> UUID:
    """In the transaction of a command, over HTTP or from the log; when refused, nothing was written."""
    looked = await check_cohort(conn, wanted, now=now)
    if looked.faults:
        raise refusal_of(looked.faults)
    assert looked.delivery_plan is not None
    cohort_id = new_id()
    enterprise_ids = [row["enterprise_id"] for row in looked.enterprises]
    name = wanted.name.strip() or f"{looked.module_title}, {wanted.first_day:%B %Y}"
    try:
        async with conn.transaction():
            await cohorts.insert_cohort(
                conn,
                cohort_id=cohort_id,
                name=name,
                country=wanted.country,
                zone=looked.zone,
                module=wanted.module,
                delivery_plan_id=looked.delivery_plan["delivery_plan_id"],
                enterprise_ids=enterprise_ids,
                trainer_keys=list(wanted.trainer_keys) if wanted.trainer_keys is not None else None,
                first_day=wanted.first_day,
                last_day=wanted.last_day,
                created_by=wanted.created_by,
                request_id=wanted.request_id,
                now=now,
            )
    except asyncpg.UniqueViolationError as raced:
        raise Rejected(
            "enterprise_in_open_cohort",
            422,
            f"One of these enterprises has just been put into another open cohort of {wanted.module}.",
            field="enterprises",
        ) from raced
    zones = {row["enterprise_id"]: row["zone"] for row in looked.enterprises}
    places = {row["enterprise_id"]: (row["latitude"], row["longitude"]) for row in looked.enterprises}
    drafts = visits_for(looked.stages, enterprise_ids, wanted.first_day, wanted.last_day, new_id, places)
    await visits.insert_drafts(conn, cohort_id, wanted.country, wanted.module, drafts, zones, now)
    await planning_jobs.insert_job(conn, "cohort", wanted.country, cohort_id=cohort_id, reason="created")
    await emit(
        conn,
        CohortCreated(
            cohort_id=cohort_id,
            request_id=wanted.request_id,
            country=wanted.country,
            module=wanted.module,
            delivery_plan=catalogue.plan_name(looked.delivery_plan),
            enterprise_ids=tuple(enterprise_ids),
            first_day=wanted.first_day,
            last_day=wanted.last_day,
            created_by=wanted.created_by,
        ),
        now=now,
    )
    return cohort_id
