"""Enterprises with their site and their own calendar."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Closed:
    """Days on which nobody can be visited, both included."""

    first: date
    last: date
    reason: str


@dataclass(frozen=True, slots=True)
class Enterprise:
    """One enterprise and its factory site. `working_weekdays` are ISO numbers: Monday is 1."""

    enterprise_id: UUID
    key_name: str
    name: str
    country: str
    region: str
    zone: str
    latitude: float
    longitude: float
    working_weekdays: tuple[int, ...]
    manager_languages: tuple[str, ...]
    worker_languages: tuple[str, ...]
    manager_contact_id: UUID | None = None
    worker_contact_id: UUID | None = None
    active: bool = True

    @property
    def contact_ids(self) -> tuple[UUID, ...]:
        """The contacts there are; the manager first."""
        named = (self.manager_contact_id, self.worker_contact_id)
        return tuple(dict.fromkeys(contact for contact in named if contact is not None))
