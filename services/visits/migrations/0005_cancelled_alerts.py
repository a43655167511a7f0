"""An alert that was no longer wanted when its turn came is neither on its way nor lost."""

from shared.migrate import run_sql

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    run_sql("services/visits/migrations/0005_cancelled_alerts.sql")
