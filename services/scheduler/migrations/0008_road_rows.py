"""A country's table of roads by its rows."""

from shared.migrate import run_sql

revision, down_revision = "0008", "0007"


def upgrade() -> None:
    run_sql("services/scheduler/migrations/0008_road_rows.sql")
