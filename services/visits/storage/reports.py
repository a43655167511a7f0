"""Reports and ordinary findings. Their text stays in these tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.db import Connection, Record


@dataclass(frozen=True, slots=True)
class Report:
    """What the trainer says was done. Counts are people who took part."""

    report_id: UUID
    visit_id: UUID
    offer: int
    trainer_id: UUID
    whole: bool
    managers: int
    workers: int
    summary: str
    one_tap: bool
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """An ordinary finding: `item` of the ETI Base Code, `grade` observation, minor or major."""

    finding_id: UUID
    enterprise_id: UUID
    item: int
    grade: str
    text: str


INSERT_REPORT = """
    insert into reports (report_id, visit_id, offer, trainer_id, whole, managers, workers, summary, one_tap, reported_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning true
"""


async def insert_report(conn: Connection, report: Report) -> bool:
    """False when this report, or one of this visit, is there already."""
    return bool(
        await conn.fetchval(
            INSERT_REPORT,
            report.report_id,
            report.visit_id,
            report.offer,
            report.trainer_id,
            report.whole,
            report.managers,
            report.workers,
            report.summary,
            report.one_tap,
            report.reported_at,
        )
    )


INSERT_FINDINGS = """
    insert into findings (finding_id, report_id, visit_id, enterprise_id, country, item, grade, text, recorded_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
KNOWN_FINDINGS = """
    select finding_id from findings where finding_id = any($1::uuid[])
    union all select finding_id from cases where finding_id = any($1::uuid[])
"""


async def list_known_findings(conn: Connection, finding_ids: Sequence[UUID]) -> list[UUID]:
    """Which of these ids belong to a finding or to a case already."""
    return [row["finding_id"] for row in await conn.fetch(KNOWN_FINDINGS, list(finding_ids))]


async def insert_findings(conn: Connection, report: Report, country: str, findings: Sequence[Finding]) -> None:
    """All findings of one report."""
    await conn.executemany(
        INSERT_FINDINGS,
        [
            (
                finding.finding_id,
                report.report_id,
                report.visit_id,
                finding.enterprise_id,
                country,
                finding.item,
                finding.grade,
                finding.text,
                report.reported_at,
            )
            for finding in findings
        ],
    )


async def get_report(conn: Connection, report_id: UUID) -> Report | None:
    """One report."""
    row = await conn.fetchrow("select * from reports where report_id = $1", report_id)
    return Report(**dict(row)) if row else None


LIST_REPORTS = "select * from reports where visit_id = $1 order by offer"
LIST_FINDINGS = """
    select f.finding_id, f.report_id, f.enterprise_id, f.item, f.grade, f.text, a.action_id, a.state as action_state
    from findings f left join actions a using (finding_id) where f.visit_id = $1 order by f.recorded_at, f.finding_id
"""


async def list_reports(conn: Connection, visit_id: UUID) -> list[Report]:
    """The reports of a visit: several when an earlier one was partial."""
    return [Report(**dict(row)) for row in await conn.fetch(LIST_REPORTS, visit_id)]


async def list_findings(conn: Connection, visit_id: UUID) -> list[Record]:
    """Ordinary findings of a visit with their corrective actions."""
    rows: list[Record] = await conn.fetch(LIST_FINDINGS, visit_id)
    return rows
