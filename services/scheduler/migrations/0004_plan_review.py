"""Plans that are looked at: weights, what-if copies, progress, and repairs of what is published."""

from shared.migrate import run_sql

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    run_sql("services/scheduler/migrations/0004_plan_review.sql")
