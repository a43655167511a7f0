"""Who may see which visits. What somebody may not see answers exactly as what is not there."""

from dataclasses import dataclass
from uuid import UUID

from services.visits.domain.visit import NOBODYS, Visit
from shared.errors import not_found


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever asks, as of this minute: from the signed identity, or from a verified tap."""

    person_id: UUID
    roles: frozenset[str]
    countries: frozenset[str]

    def coordinates(self, country: str) -> bool:
        """Whether this is a coordinator (or the programme head) of the country."""
        return country in self.countries and not self.roles.isdisjoint({"coordinator", "head"})


def sees(visit: Visit, asker: Asker) -> bool:
    """Coordinators see their countries' visits; a trainer their own, until they declined or let it lapse."""
    if asker.coordinates(visit.country):
        return True
    if "trainer" not in asker.roles:
        return False
    if asker.person_id in visit.co_trainer_ids:
        return True
    return asker.person_id == visit.trainer_id and visit.state not in NOBODYS


def check_sees(visit: Visit, asker: Asker) -> None:
    """Raise the answer of a visit that is not there."""
    if not sees(visit, asker):
        raise not_found("visit")
