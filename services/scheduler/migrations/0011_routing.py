"""Countries whose roads a routing service is asked for."""

from shared.migrate import run_sql

revision, down_revision = "0011", "0010"


def upgrade() -> None:
    run_sql("services/scheduler/migrations/0011_routing.sql")
