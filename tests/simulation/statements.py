"""What all SQL of the kit means to the simulated database."""

from __future__ import annotations

from tests.simulation import inbox_statements, outbox_statements, timers_statements
from tests.simulation.meanings import KIT
from tests.simulation.timers_statements import of_kind

__all__ = ["KIT", "inbox_statements", "of_kind", "outbox_statements", "timers_statements"]
