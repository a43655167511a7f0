"""The kit's tables."""

from shared.migrate import run_sql

revision, down_revision = "0001", None


def upgrade() -> None:
    run_sql("shared/kafka/schema/0001_kit.sql")
