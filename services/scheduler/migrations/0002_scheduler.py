"""The scheduler's own tables."""

from shared.migrate import run_sql

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    run_sql("services/scheduler/migrations/0002_scheduler.sql")
