"""Stages that two trainers go to."""

from shared.migrate import run_sql

revision, down_revision = "0010", "0009"


def upgrade() -> None:
    run_sql("services/scheduler/migrations/0010_pairs.sql")
