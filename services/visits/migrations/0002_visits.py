"""Visits, offers, reports, findings, corrective actions and zero-tolerance cases."""

from shared.migrate import run_sql

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    run_sql("services/visits/migrations/0002_visits.sql")
    run_sql("services/visits/migrations/0002_cases.sql")
