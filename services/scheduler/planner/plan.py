"""What the planner answers: placements, what could not be placed and why, and how far the optimum may still be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum


class PlanStatus(StrEnum):
    """`optimal` is proven; `feasible` places everything; `partial` leaves visits out; `empty` places none of them."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    PARTIAL = "partial"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Placement:
    """A job's trainer and time: on `day` and the `days - 1` days after it, from `start` to `end` local wall time.

    `absent`: enterprises of a classroom's group without which it is held, in the order of the job.
    """

    job_id: str
    trainer_id: str
    day: date
    start: time
    end: time
    days: int = 1
    co_trainers: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something cannot be: a stable code, a sentence for a coordinator without ids in it, and what it is about."""

    code: str
    text: str
    enterprise_id: str
    stage: str
    trainer_id: str | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to give way on: `amount` of it (days, visits, …), and whom or what it is about. `text` has no ids."""

    code: str
    amount: int
    text: str
    trainer_id: str | None = None
    enterprise_id: str | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Relaxation:
    """What to give way on so that the job has a place, proven by planning again; `placement` is what came out.

    `steps` are all needed together: one where one is enough. `code` joins theirs by "+", `days` is the amount of a
    single step. `everything_else_held` tells whether the other visits stayed where they are, or had to move too.
    """

    code: str
    text: str
    placement: Placement
    everything_else_held: bool
    days: int | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A job without a place. `relaxations` are filled by `explain_unplaced` only."""

    job_id: str
    reasons: tuple[Reason, ...]
    relaxations: tuple[Relaxation, ...] = ()


@dataclass(frozen=True, slots=True)
class Absence:
    """An enterprise without which a classroom is held, and why it cannot be there."""

    job_id: str
    enterprise_id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """`cost` in points (see `Weights`) with its `parts` by name; no plan can cost less than `bound`;
    `gap` = (cost - bound) / cost, 0 when proven.
    """

    placements: tuple[Placement, ...]
    unplaced: tuple[Unplaced, ...]
    cost: float
    bound: float
    parts: Mapping[str, float]
    status: PlanStatus
    gap: float
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """Told while solving: the best plan's cost so far, the proven bound, and how many jobs it leaves out."""

    cost: float
    bound: float
    unplaced: int


@dataclass(frozen=True, slots=True)
class Violation:
    """A constraint that a plan breaks: its name, the visits, people and day concerned, and a sentence."""

    constraint: str
    text: str
    job_ids: tuple[str, ...] = ()
    trainer_id: str | None = None
    enterprise_id: str | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trainer looked at as a replacement. Eligible ones have a placement and what the change costs, in points;
    the others have the reasons why not on the day that was asked for.
    """

    trainer_id: str
    placement: Placement | None
    cost_difference: float
    same_day: bool
    reasons: tuple[Reason, ...] = ()
