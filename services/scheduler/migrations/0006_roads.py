"""A country's table of roads."""

from shared.migrate import run_sql

revision, down_revision = "0006", "0005"


def upgrade() -> None:
    run_sql("services/scheduler/migrations/0006_roads.sql")
