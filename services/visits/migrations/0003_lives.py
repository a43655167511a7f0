"""Restores, and the hold that each begins with."""

from shared.migrate import run_sql

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    run_sql("shared/kafka/schema/0002_lives.sql")
