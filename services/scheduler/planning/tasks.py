"""The names of what the planner's process can do. Importing this imports no solver: the functions are found over there."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

_WORKER = "services.scheduler.planning.worker"


@dataclass(frozen=True, slots=True)
class Task:
    """A function by name, of `worker.py` unless another module is named."""

    name: str
    module: str = _WORKER

    def __call__(self, *arguments: object) -> Any:
        """Call it where this runs."""
        function: Callable[..., Any] = getattr(import_module(self.module), self.name)
        return function(*arguments)


PLAN_COHORT = Task("plan_cohort")
RECHECK = Task("recheck")
REPLACE_TRAINER = Task("replace_trainer")
PLACE = Task("place")
EXPLAIN = Task("explain")
MEND = Task("mend")
READ_ROADS = Task("read_roads", "services.scheduler.planning.roads")
