"""Deadlines are found by their kind."""

from shared.migrate import run_sql

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    run_sql("shared/kafka/schema/0003_timers_by_kind.sql")
