"""How much of a plan falls to each trainer."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class TrainerLoad:
    """What one trainer has by a plan, beside the visits booked before; `share` is what an even spread would be."""

    trainer_id: UUID
    visits: int
    booked: int
    km: float
    nights: int
    share: int

    def as_json(self) -> dict[str, object]:
        """As it is stored and answered."""
        return {
            "trainer_id": str(self.trainer_id),
            "visits": self.visits,
            "booked": self.booked,
            "km": round(self.km, 1),
            "nights": self.nights,
            "share": self.share,
        }
