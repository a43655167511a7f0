"""A visit that lost its place in the timetable is nobody's until it is offered again."""

from shared.migrate import run_sql

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    run_sql("services/visits/migrations/0004_unplaced_visits.sql")
