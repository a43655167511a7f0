"""What the planner answers when it is asked why, and when a plan has to be mended: plain data, as it travels and is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from uuid import UUID

from services.scheduler.domain.world import Clash, Left, Seat, Why


@dataclass(frozen=True, slots=True)
class Rival:
    """Another trainer, or another day, for a visit: what it would cost more, part by part, or why it cannot be.

    `reasons` stand against the very place that was planned. `moved` are visits that would have to make room.
    """

    trainer_id: UUID
    day: date | None
    start: time | None
    extra_cost: float | None
    difference: Mapping[str, float]
    reasons: tuple[Why, ...]
    moved: tuple[UUID, ...]
    same_day: bool

    def as_json(self) -> dict[str, object]:
        """As it is answered."""
        return {
            "trainer_id": str(self.trainer_id),
            "day": self.day.isoformat() if self.day else None,
            "start": f"{self.start:%H:%M}" if self.start else None,
            "extra_cost": None if self.extra_cost is None else round(self.extra_cost, 1),
            "difference": {part: round(value, 1) for part, value in self.difference.items() if abs(value) >= 0.05},
            "reasons": [one.as_json() for one in self.reasons],
            "moved": [str(one) for one in self.moved],
            "same_day": self.same_day,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a visit is where it is, or why it is nowhere and what would help."""

    visit_id: UUID
    parts: Mapping[str, float] = field(default_factory=dict)
    trainers: tuple[Rival, ...] = ()
    days: tuple[Rival, ...] = ()
    left: Left | None = None


@dataclass(frozen=True, slots=True)
class Mended:
    """What the planner answers to a disruption: every seat afterwards, who could not stay, who made room, who has none.

    `reasons` by visit for those without a place.
    """

    seats: tuple[Seat, ...]
    hit: frozenset[UUID]
    moved: frozenset[UUID]
    left: tuple[Left, ...]
    cost_difference: float
    clashes: tuple[Clash, ...] = ()
