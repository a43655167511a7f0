"""What the scheduler's use cases need from outside: made once, in `main.py`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from services.scheduler.settings import Settings
from shared.clock import Clock
from shared.db import Pool


class Planner(Protocol):
    """Runs a function of `planning/worker.py` somewhere that does not block the event loop."""

    def __call__(self, task: Callable[..., Any], *arguments: object) -> Awaitable[Any]: ...


@dataclass(frozen=True, slots=True)
class Deps:
    """`planner` computes; everything else remembers and tells the time."""

    pool: Pool
    clock: Clock
    settings: Settings
    planner: Planner
