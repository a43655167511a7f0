"""What happens to visits that are published already, as a coordinator says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.scheduler.domain.world import World

ILL, LEAVES, CLOSED, HOLIDAY = "ill", "leaves", "closed", "holiday"
KINDS = {
    ILL: "A trainer is ill or away from `first` to `last`.",
    LEAVES: "A trainer leaves: no visit from `first` on.",
    CLOSED: "An enterprise takes no visits from `first` to `last`.",
    HOLIDAY: "A public holiday on `first`, in a region or the whole country.",
}
BOOKING_REASON = {ILL: "trainer_ill", LEAVES: "trainer_left", CLOSED: "enterprise_closed", HOLIDAY: "holiday"}
"""What the booking facts say."""


@dataclass(frozen=True, slots=True)
class Cause:
    """`who` is a trainer or an enterprise, by the kind; `region` is empty for a whole country. Days are included."""

    kind: str
    first: date
    last: date
    who: UUID | None = None
    region: str = ""

    def applied_to(self, world: World) -> World:
        """The world after it."""
        match self.kind:
            case "ill" | "leaves":
                assert self.who is not None
                return world.away(self.who, self.first, self.last)
            case "closed":
                assert self.who is not None
                return world.shut(self.who, self.first, self.last)
            case _:
                return world.off(self.region, self.first)

    def as_json(self) -> dict[str, Any]:
        """As it is stored and answered."""
        return {
            "kind": self.kind,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "who": str(self.who) if self.who else None,
            "region": self.region,
        }

    @staticmethod
    def read(stored: Mapping[str, Any]) -> "Cause":
        """As `as_json` gave it."""
        return Cause(
            kind=stored["kind"],
            first=date.fromisoformat(stored["first"]),
            last=date.fromisoformat(stored["last"]),
            who=UUID(stored["who"]) if stored["who"] else None,
            region=stored["region"],
        )
