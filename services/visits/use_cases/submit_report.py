"""The report of a visit: report, findings, corrective actions, cases and their alerts in one transaction, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.case import Verification
from services.visits.domain.visit import Answer, Visit, VisitState, check_report
from services.visits.storage import reports
from services.visits.storage.reports import Finding, Report
from services.visits.storage.visits import get_visit, mark_answered, save_visit
from services.visits.use_cases.note_verification import note_verification
from services.visits.use_cases.offer_visit import MISSED, OFFER
from services.visits.use_cases.open_actions import note_follow_up, open_actions
from services.visits.use_cases.open_case import Sighting, open_in
from shared.commands import Idempotency, command
from shared.contracts.finding import FindingRecorded
from shared.contracts.values import Grade
from shared.contracts.visit import VisitReported
from shared.crypto import SealedText
from shared.db import Connection
from shared.errors import Rejected, not_found
from shared.ids import new_id
from shared.kafka.outbox import emit
from shared.timers import disarm


@dataclass(frozen=True, slots=True)
class FindingLine:
    """An ordinary finding as it was reported; `enterprise_id` only where the visit has several."""

    finding_id: UUID
    item: int
    grade: str
    text: str
    enterprise_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SuspicionLine:
    """A zero-tolerance suspicion in a report; its finding's id links it to one raised before."""

    finding_id: UUID
    item: int
    text: SealedText
    enterprise_id: UUID | None = None
    named: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class SubmitReport:
    """`report_id` may be made on the phone: the same one again is the same report."""

    visit_id: UUID
    person_id: UUID
    report_id: UUID | None = None
    whole: bool = True
    managers: int = 0
    workers: int = 0
    summary: str = ""
    findings: tuple[FindingLine, ...] = ()
    suspicions: tuple[SuspicionLine, ...] = ()
    one_tap: bool = False


async def submit_report(cmd: SubmitReport, *, idempotency: Idempotency, deps: Deps) -> UUID:
    """Answered with success, it is never lost; answered with an error, nothing of it stays. Returns the report's id."""
    async with command(deps.pool, idempotency) as open_command:
        if open_command.repeated:
            return open_command.earlier_result
        return await open_command.done(await _submit(cmd, conn=open_command.conn, deps=deps))


async def _submit(cmd: SubmitReport, *, conn: Connection, deps: Deps) -> UUID:
    visit = await get_visit(conn, cmd.visit_id, lock=True)
    if visit is None:
        raise not_found("visit")
    now = deps.clock.now()
    if cmd.report_id is not None and (known := await reports.get_report(conn, cmd.report_id)) is not None:
        if (known.visit_id, known.trainer_id) == (cmd.visit_id, cmd.person_id):
            return known.report_id
        raise Rejected("report_known", 409, "Another report has this id; make a fresh UUID.", field="report_id")
    check_report(visit, cmd.person_id, now)
    await _check_ids(cmd, visit, conn)
    report = Report(
        report_id=cmd.report_id or new_id(),
        visit_id=visit.visit_id,
        offer=visit.offer,
        trainer_id=cmd.person_id,
        whole=cmd.whole,
        managers=cmd.managers,
        workers=cmd.workers,
        summary=cmd.summary,
        one_tap=cmd.one_tap,
        reported_at=now,
    )
    if not await reports.insert_report(conn, report):
        raise Rejected("visit_reported", 409, "This visit has its report already; it is reported once.")
    await mark_answered(conn, visit, Answer.ACCEPTED, now, via="report")
    await save_visit(conn, replace(visit, state=VisitState.REPORTED))
    await disarm(conn, OFFER, visit.visit_id)
    await disarm(conn, MISSED, visit.visit_id)
    await _record_findings(cmd.findings, report, visit, conn=conn, deps=deps)
    for line in cmd.suspicions:
        await open_in(_sighting(line, report, visit), conn=conn, now=now, deps=deps)
    if cmd.whole:
        await note_verification(visit.visit_id, Verification.DONE, conn=conn, deps=deps)
        await note_follow_up(visit.visit_id, cmd.person_id, conn=conn, now=now)
    reported = VisitReported(
        visit_id=visit.visit_id,
        report_id=report.report_id,
        country=visit.country,
        trainer_id=cmd.person_id,
        reported_at=now,
        whole=cmd.whole,
    )
    await emit(conn, reported, now=now)
    return report.report_id


async def _record_findings(
    lines: Sequence[FindingLine], report: Report, visit: Visit, *, conn: Connection, deps: Deps
) -> None:
    findings = [
        Finding(line.finding_id, line.enterprise_id or visit.enterprise_ids[0], line.item, line.grade, line.text)
        for line in lines
    ]
    await reports.insert_findings(conn, report, visit.country, findings)
    for finding in findings:
        recorded = FindingRecorded(
            finding_id=finding.finding_id,
            visit_id=visit.visit_id,
            enterprise_id=finding.enterprise_id,
            country=visit.country,
            item=finding.item,
            grade=Grade(finding.grade),
        )
        await emit(conn, recorded, now=report.reported_at)
    await open_actions(findings, visit, conn=conn, now=report.reported_at, deps=deps)


async def _check_ids(cmd: SubmitReport, visit: Visit, conn: Connection) -> None:
    lines: tuple[FindingLine | SuspicionLine, ...] = (*cmd.findings, *cmd.suspicions)
    ids = [line.finding_id for line in lines]
    if len(set(ids)) < len(ids):
        raise Rejected("finding_twice", 422, "Two lines have the same finding_id; each needs its own.", field="findings")
    if any(line.enterprise_id not in {None, *visit.enterprise_ids} for line in lines):
        raise Rejected("enterprise_not_visited", 422, "A line names an enterprise that is not part of this visit.", field="findings")
    if await reports.list_known_findings(conn, [line.finding_id for line in cmd.findings]):
        raise Rejected("finding_known", 409, "A finding of this id is there already; make a fresh UUID for each.", field="findings")


def _sighting(line: SuspicionLine, report: Report, visit: Visit) -> Sighting:
    return Sighting(
        item=line.item,
        text=line.text,
        raised_by=report.trainer_id,
        country=visit.country,
        finding_id=line.finding_id,
        enterprise_id=line.enterprise_id or visit.enterprise_ids[0],
        visit_id=visit.visit_id,
        report_id=report.report_id,
        named=line.named,
    )
