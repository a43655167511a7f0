"""Whoever goes along is told that a visit is on when they have said yes."""

from shared.migrate import run_sql

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    run_sql("services/notifications/migrations/0005_company_asked.sql")
