"""Who stays away from a classroom of a plan, and why."""

from shared.migrate import run_sql

revision, down_revision = "0009", "0008"


def upgrade() -> None:
    run_sql("services/scheduler/migrations/0009_absences.sql")
