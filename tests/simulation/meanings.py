"""The register of what each SQL constant means to the simulated database: one function for each, by the constant itself."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.database import Statement, Transaction

KIT: dict[str, Statement] = {}


def means(sql: str) -> Callable[[Statement], Statement]:
    """Register what a statement means."""

    def register(statement: Statement) -> Statement:
        KIT[sql] = statement
        return statement

    return register


def on_hold(tx: Transaction) -> bool:
    """The SQL function of that name."""
    return any(row["released_at"] is None for _, row in tx.rows("lives"))
