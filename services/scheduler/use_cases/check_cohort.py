"""Look at a request for a cohort next to everything that is known, without changing anything."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.scheduler.domain.cohort import Asked, EnterpriseAsked, Fault, TrainerAsked, faults_of
from services.scheduler.domain.delivery import Stage
from services.scheduler.domain.wall_time import today_in
from services.scheduler.storage import catalogue, copies, trainers
from shared.db import Connection, Record
from shared.errors import Rejected


@dataclass(frozen=True, slots=True)
class CohortRequest:
    """What was asked for. `trainer_keys` None: every trainer of the country. `countries` are the asker's own, None for
    an outside system. Both days are included.
    """

    country: str
    module: str
    enterprise_keys: tuple[str, ...]
    enterprise_ids: tuple[UUID, ...]
    trainer_keys: tuple[str, ...] | None
    first_day: date
    last_day: date
    name: str = ""
    countries: frozenset[str] | None = None
    created_by: UUID | None = None
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found. `enterprises` are the rows of those that were asked for, each once, in the order asked."""

    faults: list[Fault]
    enterprises: list[Record]
    stages: list[Stage]
    delivery_plan: Record | None
    module_title: str
    zone: str
    certified: int


async def check_cohort(conn: Connection, wanted: CohortRequest, *, now: datetime) -> Looked:
    """Everything that stands against the request, told at once."""
    modules = {row["code"]: row["title"] for row in await catalogue.list_modules(conn)}
    plan = await catalogue.get_delivery_plan(conn, wanted.module, wanted.country)
    stages = await catalogue.list_stages(conn, plan["delivery_plan_id"]) if plan else []
    asked, rows = await _enterprises(conn, wanted)
    zone = next((row["zone"] for row in rows if row["country"] == wanted.country), "UTC")
    pool = await trainers.list_pool(
        conn,
        wanted.country,
        list(wanted.trainer_keys) if wanted.trainer_keys is not None else None,
        wanted.first_day,
        max(wanted.last_day, wanted.first_day),
    )
    found = {row["key_name"]: row for row in pool}
    keys = wanted.trainer_keys if wanted.trainer_keys is not None else tuple(found)
    faults = faults_of(
        Asked(
            country=wanted.country,
            countries=wanted.countries,
            known_countries=frozenset(await copies.list_countries(conn)),
            module=wanted.module,
            modules=sorted(modules),
            stages=stages,
            enterprises=asked,
            trainers=[
                TrainerAsked(key, key in found, key in found and wanted.module in found[key]["certified"])
                for key in keys
            ],
            certified_modules=sorted({code for row in pool for code in row["certified"]}),
            first_day=wanted.first_day,
            last_day=wanted.last_day,
            today=today_in(zone, now),
        )
    )
    certified = sum(wanted.module in row["certified"] for row in pool)
    return Looked(faults, rows, stages, plan, modules.get(wanted.module, ""), zone, certified)


async def _enterprises(conn: Connection, wanted: CohortRequest) -> tuple[list[EnterpriseAsked], list[Record]]:
    found = await copies.find_enterprises(
        conn, list(wanted.enterprise_keys), list(wanted.enterprise_ids), wanted.module
    )
    by_name: dict[object, Record] = {row["key_name"]: row for row in found}
    by_name |= {row["enterprise_id"]: row for row in found}
    asked, rows = [], {}
    for name in dict.fromkeys((*wanted.enterprise_keys, *wanted.enterprise_ids)):
        row = by_name.get(name)
        if row is None:
            asked.append(EnterpriseAsked(str(name)))
            continue
        shown = f"{row['name']} ({row['key_name']})" if row["country"] == wanted.country else str(name)
        asked.append(
            EnterpriseAsked(shown, row["enterprise_id"], row["country"], row["active"], row["open_cohort"])
        )
        rows[row["enterprise_id"]] = row
    return asked, list(rows.values())


def refusal_of(faults: list[Fault]) -> Rejected:
    """One refusal that names every fault."""
    first, more = faults[0], len(faults) - 1
    told = f"{first.message} Right would be: {first.expected}."
    if more:
        told += f" {more} more fault(s): see errors."
    return Rejected(
        first.code, 422, told, field=first.field, details=[dict(fault.as_detail()) for fault in faults]
    )
