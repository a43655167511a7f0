"""People, enterprises, sign-in."""

from shared.migrate import run_sql

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    run_sql("services/directory/migrations/0002_directory.sql")
