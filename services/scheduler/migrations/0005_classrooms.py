"""Quorum and capacity of classrooms."""

from shared.migrate import run_sql

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    run_sql("services/scheduler/migrations/0005_classrooms.sql")
