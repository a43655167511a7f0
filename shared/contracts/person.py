"""`gemba.person` (state, compacted): people, as directory knows them."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.registry import State, contract
from shared.contracts.values import Channel, Role


class ContactPoint(BaseModel):
    """An address that messages may go to. Kept by directory and notifications only."""

    model_config = ConfigDict(frozen=True)

    channel: Channel
    address: str
    verified: bool


@contract(topic="gemba.person", key="person_id")
class PersonState(State):
    """Who somebody is, what they may do and how they are reached. `key_name` is the programme's own short key."""

    person_id: UUID
    key_name: str
    name: str
    country: str
    roles: tuple[Role, ...]
    countries: tuple[str, ...]
    language: str
    zone: str
    languages: tuple[str, ...] = ()
    contact_points: tuple[ContactPoint, ...] = ()
    active: bool = True
    line_manager_id: UUID | None = None
    enterprise_id: UUID | None = None
