"""Whoever goes along is asked too."""

from shared.migrate import run_sql

revision, down_revision = "0007", "0006"


def upgrade() -> None:
    run_sql("services/visits/migrations/0007_company_offers.sql")
