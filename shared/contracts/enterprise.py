"""`gemba.enterprise` (state, compacted): enterprises with their site and their own calendar."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.registry import State, contract


class ClosedDays(BaseModel):
    """Both days included."""

    model_config = ConfigDict(frozen=True)

    first: date
    last: date
    reason: str


@contract(topic="gemba.enterprise", key="enterprise_id")
class EnterpriseState(State):
    """One enterprise and its factory site. `working_weekdays` are ISO numbers, Monday is 1."""

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
    closed: tuple[ClosedDays, ...] = ()
    contact_ids: tuple[UUID, ...] = ()
    """Both contacts below, without the empty ones."""
    manager_contact_id: UUID | None = None
    worker_contact_id: UUID | None = None
    active: bool = True
