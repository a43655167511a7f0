"""Case rows: the state of each case, its sealed key, and who may find it in a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.visits.domain.case import Case, Outcome, Stage, Standing, Verification
from shared.db import Connection, Record

_STATE = """case_id, country, item, enterprise_id, raised_by, opened_at, standing, stage, tier, step, owner_id, due_at,
    verification, verification_visit_id, proposed_outcome, proposed_by, outcome, approved_by"""


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case and what stands around it: the pack it is pinned to, where it came from, its wrapped key."""

    case: Case
    pack: str
    pack_version: int
    finding_id: UUID | None
    visit_id: UUID | None
    report_id: UUID | None
    wrapped_key: bytes
    closed_at: datetime | None = None


INSERT_CASE = f"""
    insert into cases ({_STATE}, pack, pack_version, longest_step, finding_id, visit_id, report_id, wrapped_key, standby_ids)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
            $25, $26)
"""


async def insert_case(conn: Connection, file: CaseFile, longest_step: timedelta, standby: Sequence[UUID]) -> None:
    """A new case. Its timer must be armed before the transaction ends: the database checks."""
    await conn.execute(
        INSERT_CASE,
        *(getattr(file.case, name) for name in Case.__dataclass_fields__),
        file.pack,
        file.pack_version,
        longest_step,
        file.finding_id,
        file.visit_id,
        file.report_id,
        file.wrapped_key,
        list(standby),
    )


SAVE_CASE = """
    update cases set standing = $2, stage = $3, tier = $4, step = $5, owner_id = $6, due_at = $7, verification = $8,
           verification_visit_id = $9, proposed_outcome = $10, proposed_by = $11, outcome = $12, approved_by = $13,
           standby_ids = $14, closed_at = $15
    where case_id = $1
"""


async def save_case(conn: Connection, case: Case, standby: Sequence[UUID], *, closed_at: datetime | None) -> None:
    """Write back a case whose row is locked."""
    await conn.execute(
        SAVE_CASE,
        case.case_id,
        case.standing,
        case.stage,
        case.tier,
        case.step,
        case.owner_id,
        case.due_at,
        case.verification,
        case.verification_visit_id,
        case.proposed_outcome,
        case.proposed_by,
        case.outcome,
        case.approved_by,
        list(standby),
        closed_at,
    )


_FILE = f"{_STATE}, pack, pack_version, finding_id, visit_id, report_id, wrapped_key, closed_at"
GET_CASE = f"select {_FILE} from cases where case_id = $1"
GET_BY_FINDING = f"select {_FILE} from cases where finding_id = $1 for update"
GET_BY_VERIFICATION = f"select {_FILE} from cases where verification_visit_id = $1 for update"


async def get_case(conn: Connection, case_id: UUID, *, lock: bool = False) -> CaseFile | None:
    """One case; with `lock`, its row is held until the transaction ends."""
    row = await conn.fetchrow(GET_CASE + (" for update" if lock else ""), case_id)
    return _file(row) if row else None


async def get_case_of_finding(conn: Connection, finding_id: UUID) -> CaseFile | None:
    """The one case of a sighting, locked."""
    row = await conn.fetchrow(GET_BY_FINDING, finding_id)
    return _file(row) if row else None


async def get_case_of_verification(conn: Connection, visit_id: UUID) -> CaseFile | None:
    """The case that a visit verifies, locked."""
    row = await conn.fetchrow(GET_BY_VERIFICATION, visit_id)
    return _file(row) if row else None


LIST_RECEIPTS = "select finding_id, opened_at from cases where visit_id = $1 and raised_by = $2 and finding_id is not null"


async def list_receipts(conn: Connection, visit_id: UUID, raised_by: UUID) -> list[Record]:
    """What somebody raised on a visit: that it arrived, and when. All that the finder may see."""
    rows: list[Record] = await conn.fetch(LIST_RECEIPTS, visit_id, raised_by)
    return rows


MARK_REPORTED = "update cases set report_id = $2, visit_id = coalesce(visit_id, $3) where case_id = $1"


async def mark_case_reported(conn: Connection, case_id: UUID, report_id: UUID, visit_id: UUID) -> None:
    """The report that came after the suspicion."""
    await conn.execute(MARK_REPORTED, case_id, report_id, visit_id)


# Who may find a case: a tier's role for its country, or having been alerted of it; never the excluded.
_VISIBLE = """
    (($2 and country = any($3::text[]))
     or exists (select from case_alerts a where a.case_id = cases.case_id and a.person_id = $1))
    and not exists (select from case_exclusions e where e.case_id = cases.case_id and e.person_id = $1)
"""
LIST_CASES = f"""
    select {_FILE} from cases
    where {_VISIBLE}
      and ($4::text is null or standing = $4) and ($5::boolean is not true or standing <> 'closed')
      and ($6::uuid is null or case_id < $6)
    order by case_id desc limit $7
"""
COUNT_CASES = f"select standing, count(*) as cases from cases where {_VISIBLE} group by standing"


async def list_cases(
    conn: Connection,
    person_id: UUID,
    *,
    safeguarding: bool,
    countries: Sequence[str],
    standing: str | None = None,
    open_only: bool = False,
    before: UUID | None = None,
    limit: int = 100,
) -> list[CaseFile]:
    """The cases this person may see, newest first."""
    rows = await conn.fetch(
        LIST_CASES, person_id, safeguarding, list(countries), standing, open_only, before, limit
    )
    return [_file(row) for row in rows]


async def count_cases(
    conn: Connection, person_id: UUID, *, safeguarding: bool, countries: Sequence[str]
) -> dict[str, int]:
    """How many cases this person may see, by standing: an excluded one does not count either."""
    rows = await conn.fetch(COUNT_CASES, person_id, safeguarding, list(countries))
    return {row["standing"]: row["cases"] for row in rows}


MAY_SEE = f"select true from cases where case_id = $4 and {_VISIBLE}"


async def may_see_case(
    conn: Connection, person_id: UUID, case_id: UUID, *, safeguarding: bool, countries: Sequence[str]
) -> bool:
    """The same rule as the list's, for one case."""
    return bool(await conn.fetchval(MAY_SEE, person_id, safeguarding, list(countries), case_id))


LIST_OPEN_WITH_NAMED = """
    select case_id from cases where standing <> 'closed'
      and exists (select from case_named n where n.case_id = cases.case_id) order by case_id
"""
LIST_OPEN_WITH_PERSON = """
    select case_id from cases where standing <> 'closed' and (owner_id = $1 or proposed_by = $1) order by case_id
"""


async def list_open_with_named(conn: Connection) -> list[UUID]:
    """Open cases whose exclusions follow from somebody's line."""
    return [row["case_id"] for row in await conn.fetch(LIST_OPEN_WITH_NAMED)]


async def list_open_with_person(conn: Connection, person_id: UUID) -> list[UUID]:
    """Open cases that wait for this person."""
    return [row["case_id"] for row in await conn.fetch(LIST_OPEN_WITH_PERSON, person_id)]


LIST_UNARMED = """
    select case_id, cases.due_at, longest_step from cases
    left join timers t on t.kind = 'case.step' and t.aggregate = case_id
    where standing <> 'closed'
      and (t.due_at is null or t.due_at > $1::timestamptz + longest_step or t.due_at is distinct from cases.due_at)
    order by case_id
"""
COUNT_OPEN = "select standing, count(*) as cases from cases where standing <> 'closed' group by standing"
OLDEST_OVERDUE = "select min(due_at) from timers where kind = 'case.step' and due_at <= $1"


async def list_unarmed(conn: Connection, now: datetime) -> list[Record]:
    """Open cases without the deadline they should have. There are none: the watchdog looks all the same."""
    rows: list[Record] = await conn.fetch(LIST_UNARMED, now)
    return rows


async def count_open(conn: Connection) -> dict[str, int]:
    """Open cases by standing, for metrics."""
    return {row["standing"]: row["cases"] for row in await conn.fetch(COUNT_OPEN)}


async def get_oldest_overdue(conn: Connection, now: datetime) -> datetime | None:
    """The oldest case deadline that has come and was not acted upon."""
    oldest: datetime | None = await conn.fetchval(OLDEST_OVERDUE, now)
    return oldest


async def save_due(conn: Connection, case_id: UUID, due_at: datetime) -> None:
    """The watchdog's repair: the case says what its timer says."""
    await conn.execute("update cases set due_at = $2 where case_id = $1", case_id, due_at)


CLAIM_MINIMAL = """
    update cases set step = step + 1, minimal_generation = $2
    where case_id = $1 and standing <> 'closed' and minimal_generation is distinct from $2
    returning step, country, standby_ids
"""


async def claim_minimal(conn: Connection, case_id: UUID, generation: int) -> Record | None:
    """The right to escalate without deciding, once for each deadline that failed."""
    row: Record | None = await conn.fetchrow(CLAIM_MINIMAL, case_id, generation)
    return row


def _file(row: Record) -> CaseFile:
    values = {name: row[name] for name in Case.__dataclass_fields__}
    values |= {
        "standing": Standing(row["standing"]),
        "stage": Stage(row["stage"]),
        "verification": Verification(row["verification"]),
        "proposed_outcome": Outcome(row["proposed_outcome"]) if row["proposed_outcome"] else None,
        "outcome": Outcome(row["outcome"]) if row["outcome"] else None,
    }
    return CaseFile(
        Case(**values),
        row["pack"],
        row["pack_version"],
        row["finding_id"],
        row["visit_id"],
        row["report_id"],
        row["wrapped_key"],
        row["closed_at"],
    )
