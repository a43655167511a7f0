"""Messages, preferences and the copies that messages are made from."""

from shared.migrate import run_sql

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    run_sql("services/notifications/migrations/0002_notifications.sql")
