"""A cohort asked for by an outside system, over the log. It is answered in any case, with the same request id."""

from datetime import datetime

from services.scheduler.use_cases.check_cohort import CohortRequest
from services.scheduler.use_cases.create_cohort import create_cohort_in
from shared.contracts.cohort import CohortRefused
from shared.contracts.command import RequestCohort
from shared.db import Connection
from shared.errors import Rejected
from shared.kafka.outbox import emit


async def request_cohort(request: RequestCohort, *, now: datetime, conn: Connection) -> None:
    """`CohortCreated` or `CohortRefused`, in the transaction that remembers the request."""
    wanted = CohortRequest(
        country=request.country,
        module=request.module,
        enterprise_keys=request.enterprise_keys,
        enterprise_ids=(),
        trainer_keys=request.trainer_keys or None,
        first_day=request.first_day,
        last_day=request.last_day,
        request_id=request.request_id,
    )
    try:
        await create_cohort_in(conn, wanted, now=now)
    except Rejected as refusal:
        refused = CohortRefused(request_id=request.request_id, code=refusal.code, field=refusal.field)
        await emit(conn, refused, now=now)
