"""A sighting becomes a case: pinned to the pack of this moment, sealed, with its first tier alerted, in one transaction.

Invariant: one sighting is one case. The finding's id is made where it was seen; whoever brings it again (the report
after the phone) links to the case that is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.case import Case
from services.visits.domain.escalation import open_case, review_roster
from services.visits.domain.exclusion import excluded
from services.visits.domain.pack import ITEMS, Pack
from services.visits.storage import case_records, people, reports
from services.visits.storage.cases import CaseFile, get_case, get_case_of_finding, mark_case_reported
from services.visits.use_cases.settle_case import exclude_line, insert_sealed, load_terms, settle, settle_new, terms_for
from shared.crypto import SealedText
from shared.db import Connection
from shared.errors import Rejected
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Sighting:
    """What somebody saw or was told. `text` shows itself to nobody by accident."""

    item: int
    text: SealedText
    raised_by: UUID
    country: str
    finding_id: UUID | None = None
    case_id: UUID | None = None
    enterprise_id: UUID | None = None
    visit_id: UUID | None = None
    report_id: UUID | None = None
    named: tuple[UUID, ...] = ()


LOCK_SIGHTING = "select pg_advisory_xact_lock(hashtextextended($1::text, 0))"


async def open_in(sighting: Sighting, *, conn: Connection, now: datetime, deps: Deps) -> Case:
    """Open the case, or link to the one that this sighting has; returns the case."""
    pack = deps.packs.current
    check_item(sighting.item, pack)
    if sighting.named:
        await people.hold_line(conn)
        await check_named(conn, sighting.named)
    known = sighting.finding_id or sighting.case_id
    if known is not None:
        await conn.execute(LOCK_SIGHTING, str(known))
    existing = await _existing(sighting, conn)
    if existing is not None:
        await _link(existing, sighting, conn=conn, now=now, deps=deps)
        return existing.case
    case = Case(
        case_id=sighting.case_id or new_id(),
        country=sighting.country,
        item=sighting.item,
        enterprise_id=sighting.enterprise_id,
        raised_by=sighting.raised_by,
        opened_at=now,
    )
    file = CaseFile(
        case,
        pack.name,
        pack.version,
        sighting.finding_id,
        sighting.visit_id,
        sighting.report_id,
        deps.sealer.new_case_key(),
    )
    line = excluded(sighting.named, await people.list_managers(conn)) if sighting.named else {}
    terms = await terms_for(conn, pack, case.country, line)
    await settle_new(conn, file, open_case(case, terms, now), terms, now=now)
    if sighting.named:
        await case_records.insert_named(conn, case.case_id, sighting.named, sighting.raised_by, now)
        await exclude_line(conn, case.case_id, now, actor=sighting.raised_by)
    await insert_sealed(conn, file, "suspicion", sighting.text, author=sighting.raised_by, now=now, deps=deps)
    return case


def check_item(item: int, pack: Pack) -> None:
    """Zero tolerance attaches to what the pack names; anything else is an ordinary finding."""
    if item not in pack.triggers:
        named = ", ".join(f"{one} ({ITEMS[one]})" for one in sorted(pack.triggers))
        raise Rejected(
            "item_not_zero_tolerance",
            422,
            f"Item {item} is recorded as an ordinary finding. Zero tolerance attaches to {named}.",
            field="item",
        )


async def check_named(conn: Connection, named: Sequence[UUID]) -> None:
    """Named persons must be known: an exclusion that excludes nobody would be a false comfort."""
    if unknown := await people.list_unknown(conn, named):
        raise Rejected(
            "person_unknown",
            422,
            f"{len(unknown)} of the named persons are not known here. Name people of the programme by their id; "
            "describe anybody else in the text.",
            field="named_person_ids",
        )


async def _existing(sighting: Sighting, conn: Connection) -> CaseFile | None:
    if sighting.case_id is not None:
        existing = await get_case(conn, sighting.case_id, lock=True)
    elif sighting.finding_id is not None:
        existing = await get_case_of_finding(conn, sighting.finding_id)
        if existing is None and await reports.list_known_findings(conn, [sighting.finding_id]):
            raise _taken()
    else:
        return None
    if existing is not None and existing.case.raised_by != sighting.raised_by:
        raise _taken()
    return existing


def _taken() -> Rejected:
    return Rejected("finding_known", 409, "Something else has this id already; make a fresh UUID for each sighting.", field="finding_id")


async def _link(file: CaseFile, sighting: Sighting, *, conn: Connection, now: datetime, deps: Deps) -> None:
    """The same sighting again: more words, more names, the report; no second case and no second alert."""
    case_id = file.case.case_id
    if sighting.report_id is not None and sighting.visit_id is not None:
        await mark_case_reported(conn, case_id, sighting.report_id, sighting.visit_id)
    await insert_sealed(conn, file, "suspicion", sighting.text, author=sighting.raised_by, now=now, deps=deps)
    detail = {"report_id": str(sighting.report_id)} if sighting.report_id else {}
    await case_records.insert_audit(conn, case_id, "reported_again", actor=sighting.raised_by, at=now, detail=detail)
    await name_persons(conn, file, sighting.named, by=sighting.raised_by, now=now, deps=deps)


async def name_persons(
    conn: Connection, file: CaseFile, named: Sequence[UUID], *, by: UUID, now: datetime, deps: Deps
) -> CaseFile:
    """Name persons in a case that is there: they and their line are out at once, the owner too if it is them."""
    if not named:
        return file
    await case_records.insert_named(conn, file.case.case_id, named, by, now)
    await exclude_line(conn, file.case.case_id, now, actor=by)
    terms = await load_terms(conn, file, deps)
    await settle(conn, file, review_roster(file.case, terms, now), terms, now=now, actor=by)
    changed = await get_case(conn, file.case.case_id)
    assert changed is not None
    return changed
