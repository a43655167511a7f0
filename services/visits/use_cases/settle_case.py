"""A decision about a case becomes rows, a deadline, audit lines and facts: all of them, or none.

The case's row is locked (or being inserted) by the caller. The deadline is re-armed for as long as the case is
open; the database refuses the commit otherwise.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from services.visits.calendars import calendar_of
from services.visits.deps import Deps
from services.visits.domain.case import Alerted, AlertKind, Case, Decision, Roster, Standing, Terms, VerificationAsked
from services.visits.domain.escalation import last_resort, review_roster
from services.visits.domain.exclusion import excluded
from services.visits.domain.pack import Pack
from services.visits.storage import case_records, people
from services.visits.storage.case_records import AuditLine
from services.visits.storage.cases import CaseFile, get_case, insert_case, save_case
from services.visits.storage.visits import get_visit
from services.visits.use_cases.case_facts import audit_of, fact_of
from shared.crypto import SealedText
from shared.db import Connection
from shared.errors import not_found
from shared.ids import new_id
from shared.kafka.outbox import emit
from shared.timers import arm_all, disarm

STEP = "case.step"
"""The one deadline of an open case."""

ALERT_LOST = "case.alert_lost"
"""By then somebody of the alerted must have a message on its way."""


async def lock_case(conn: Connection, case_id: UUID) -> CaseFile:
    """The case with its row held, so that commits decide the order of what happens to it."""
    file = await get_case(conn, case_id, lock=True)
    if file is None:
        raise not_found("case")
    return file


async def load_terms(conn: Connection, file: CaseFile, deps: Deps) -> Terms:
    """What a case is decided by now: its pinned pack and whoever may be told at this moment."""
    pack = deps.packs.pinned(file.pack, file.pack_version)
    barred = await case_records.list_excluded(conn, file.case.case_id)
    return await terms_for(conn, pack, file.case.country, barred)


async def terms_for(conn: Connection, pack: Pack, country: str, barred: Iterable[UUID]) -> Terms:
    """The terms under these exclusions; only active persons are on the roster."""
    out = frozenset(barred)
    roles = {tier.role for tier in pack.tiers} | pack.may["approve"] | pack.may["acknowledge"] | {"head"}
    found = await people.list_officials(conn, country, sorted(roles))
    left = tuple(person for person in found.heads_elsewhere if person not in out)
    left = left or tuple(person for person in found.administrators if person not in out)
    by_role = {role: tuple(person for person in persons if person not in out) for role, persons in found.by_role.items()}
    return Terms(pack, calendar_of(country, pack), Roster(by_role, left, out))


async def settle_new(
    conn: Connection, file: CaseFile, decision: Decision, terms: Terms, *, now: datetime
) -> None:
    """Store a case that was just opened, with its first alert."""
    await insert_case(
        conn,
        CaseFile(
            decision.case,
            file.pack,
            file.pack_version,
            file.finding_id,
            file.visit_id,
            file.report_id,
            file.wrapped_key,
        ),
        terms.pack.longest_step,
        last_resort(terms),
    )
    raised = AuditLine("raised", now, now, decision.case.raised_by, {"item": decision.case.item})
    await _consequences(conn, file, decision, terms, now=now, actor=None, received_at=now, before=[raised])


async def settle(
    conn: Connection,
    file: CaseFile,
    decision: Decision,
    terms: Terms,
    *,
    now: datetime,
    actor: UUID | None,
    received_at: datetime | None = None,
) -> None:
    """Store what a decision changed. One without events changed nothing."""
    case = decision.case
    if decision.case == file.case and not decision.events:
        return
    await save_case(conn, case, last_resort(terms), closed_at=file.closed_at if case.is_open else now)
    await _consequences(conn, file, decision, terms, now=now, actor=actor, received_at=received_at or now)


async def _consequences(
    conn: Connection,
    file: CaseFile,
    decision: Decision,
    terms: Terms,
    *,
    now: datetime,
    actor: UUID | None,
    received_at: datetime,
    before: Iterable[AuditLine] = (),
) -> None:
    case, lines = decision.case, list(before)
    for event in decision.events:
        if isinstance(event, Alerted):
            await case_records.insert_alerts(
                conn, case.case_id, event.step, event.recipients, event.kind, event.tier, now
            )
        act, detail = audit_of(event)
        lines.append(AuditLine(act, now, received_at, actor, detail))
        module = await _module(conn, file) if isinstance(event, VerificationAsked) else None
        fact = fact_of(event, case, terms, now=now, module=module)
        if fact is not None:
            await emit(conn, fact, now=now)
    await case_records.insert_audit_lines(conn, case.case_id, lines)
    await _rearm(conn, case, decision, terms, now)


async def _rearm(conn: Connection, case: Case, decision: Decision, terms: Terms, now: datetime) -> None:
    if not case.is_open:
        await disarm(conn, STEP, case.case_id)
        await disarm(conn, ALERT_LOST, case.case_id)
        return
    assert case.due_at is not None
    alerted = [event for event in decision.events if isinstance(event, Alerted)]
    deadlines = [(STEP, case.due_at)]
    if case.standing is Standing.OWNED:
        await disarm(conn, ALERT_LOST, case.case_id)
    elif alerted and alerted[-1].kind is not AlertKind.CLOSURE:
        deadlines.append((ALERT_LOST, now + terms.pack.alert_lost_after))
    await arm_all(conn, case.case_id, deadlines, now=now)


async def _module(conn: Connection, file: CaseFile) -> str | None:
    visit = await get_visit(conn, file.visit_id) if file.visit_id else None
    return visit.module if visit else None


async def exclude_line(conn: Connection, case_id: UUID, now: datetime, *, actor: UUID | None) -> list[UUID]:
    """Bring the exclusions of a case up to date with who is named and who reports to whom; returns the new ones."""
    named = await case_records.list_named(conn, case_id)
    if not named:
        return []
    line = excluded(named, await people.list_managers(conn))
    new = await case_records.insert_exclusions(conn, case_id, line, now)
    if new:
        detail = {"person_ids": [str(person) for person in new]}
        await case_records.insert_audit(conn, case_id, "excluded", actor=actor, at=now, detail=detail)
    return new


async def refresh_terms(conn: Connection, file: CaseFile, *, now: datetime, deps: Deps) -> Terms:
    """The terms with the exclusions brought up to date first: before anybody is told anything, or does anything."""
    await exclude_line(conn, file.case.case_id, now, actor=None)
    return await load_terms(conn, file, deps)


async def review_case(conn: Connection, case_id: UUID, *, now: datetime, deps: Deps) -> None:
    """People changed: apply their line to the case, and take it from whoever may not have it any more."""
    file = await get_case(conn, case_id, lock=True)
    if file is None or not file.case.is_open:
        return
    terms = await refresh_terms(conn, file, now=now, deps=deps)
    await settle(conn, file, review_roster(file.case, terms, now), terms, now=now, actor=None)


async def insert_sealed(
    conn: Connection, file: CaseFile, kind: str, text: SealedText, *, author: UUID, now: datetime, deps: Deps
) -> None:
    """Seal a text for its row and keep only that. The caller drops the plain text."""
    text_id = new_id()
    sealed = deps.sealer.seal(file.wrapped_key, text, row_id=str(text_id), column="case_texts.sealed")
    await case_records.insert_text(conn, text_id, file.case.case_id, kind, author, now, sealed)
