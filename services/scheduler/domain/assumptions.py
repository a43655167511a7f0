"""What is supposed in a what-if copy of a plan: that some things were otherwise than they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.scheduler.domain.world import Wish, World


@dataclass(frozen=True, slots=True)
class Assumptions:
    """`weights` other than those in force, trainers who are left out, a later last day for every visit."""

    weights: Mapping[str, float] = field(default_factory=dict)
    without: frozenset[UUID] = frozenset()
    until: date | None = None

    def applied_to(self, wishes: Sequence[Wish], world: World) -> tuple[tuple[Wish, ...], World]:
        """The same question under these assumptions; weights are the caller's."""
        trainers = tuple(one for one in world.trainers if one.trainer_id not in self.without)
        last = self.until
        wider = tuple(replace(one, last=max(one.last, last)) if last else one for one in wishes)
        return wider, replace(world, trainers=trainers)

    def as_json(self) -> dict[str, Any]:
        """As it is stored and answered."""
        return {
            "weights": dict(self.weights),
            "without": sorted(str(one) for one in self.without),
            "until": self.until.isoformat() if self.until else None,
        }

    @staticmethod
    def read(stored: Mapping[str, Any]) -> "Assumptions":
        """As `as_json` gave it."""
        until = stored.get("until")
        return Assumptions(
            weights=stored.get("weights") or {},
            without=frozenset(UUID(one) for one in stored.get("without") or ()),
            until=date.fromisoformat(until) if until else None,
        )
