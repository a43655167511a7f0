"""How people, enterprises, sessions and tokens look in JSON."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.directory.domain.enterprises import Closed, Enterprise
from services.directory.domain.people import Person
from services.directory.storage.sessions import SessionRow


class ContactOut(BaseModel):
    """Where somebody is reached."""

    channel: str
    address: str
    verified: bool


class PersonOut(BaseModel):
    """A person. `contact_points` is null where the asker may not see them."""

    person_id: UUID
    key: str
    name: str
    country: str
    roles: list[str]
    countries: list[str]
    language: str
    zone: str
    languages: list[str]
    line_manager_id: UUID | None
    enterprise_id: UUID | None
    active: bool
    contact_points: list[ContactOut] | None = None


class ClosedOut(BaseModel):
    """Both days included."""

    first: date
    last: date
    reason: str


class EnterpriseOut(BaseModel):
    """An enterprise. `working_weekdays` are ISO numbers: Monday is 1."""

    enterprise_id: UUID
    key: str
    name: str
    country: str
    region: str
    zone: str
    latitude: float
    longitude: float
    working_weekdays: list[int]
    manager_languages: list[str]
    worker_languages: list[str]
    manager_contact_id: UUID | None
    worker_contact_id: UUID | None
    active: bool
    closed: list[ClosedOut] | None = None


class SessionOut(BaseModel):
    """A place where somebody is signed in; instants are the machine's."""

    session_id: UUID
    kind: str
    label: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    current: bool


class MeOut(PersonOut):
    """Everything directory keeps about the asker."""

    sessions: list[SessionOut]


class PeopleOut(BaseModel):
    """A page of people; `next` is the cursor of the following one."""

    items: list[PersonOut]
    next: str | None


class EnterprisesOut(BaseModel):
    """A page of enterprises; `next` is the cursor of the following one."""

    items: list[EnterpriseOut]
    next: str | None


def person_of(person: Person, *, contacts: bool) -> PersonOut:
    """With contact points only when `contacts`."""
    return PersonOut(**_plain(person), contact_points=_contacts(person) if contacts else None)


def me_of(person: Person, sessions: Sequence[SessionRow], *, current: str) -> MeOut:
    """All of it."""
    shown = [
        SessionOut(
            session_id=row.session_id,
            kind=row.kind,
            label=row.label,
            created_at=row.created_at,
            seen_at=row.seen_at,
            expires_at=row.expires_at,
            current=str(row.session_id) == current,
        )
        for row in sessions
    ]
    return MeOut(**_plain(person), contact_points=_contacts(person), sessions=shown)


def enterprise_of(enterprise: Enterprise, closed: Sequence[Closed] | None = None) -> EnterpriseOut:
    """With its closed days where they were read."""
    return EnterpriseOut(
        enterprise_id=enterprise.enterprise_id,
        key=enterprise.key_name,
        name=enterprise.name,
        country=enterprise.country,
        region=enterprise.region,
        zone=enterprise.zone,
        latitude=enterprise.latitude,
        longitude=enterprise.longitude,
        working_weekdays=list(enterprise.working_weekdays),
        manager_languages=list(enterprise.manager_languages),
        worker_languages=list(enterprise.worker_languages),
        manager_contact_id=enterprise.manager_contact_id,
        worker_contact_id=enterprise.worker_contact_id,
        active=enterprise.active,
        closed=None if closed is None else [ClosedOut(first=c.first, last=c.last, reason=c.reason) for c in closed],
    )


def _plain(person: Person) -> dict[str, Any]:
    return {
        "person_id": person.person_id,
        "key": person.key_name,
        "name": person.name,
        "country": person.country,
        "roles": list(person.roles),
        "countries": list(person.countries),
        "language": person.language,
        "zone": person.zone,
        "languages": list(person.languages),
        "line_manager_id": person.line_manager_id,
        "enterprise_id": person.enterprise_id,
        "active": person.active,
    }


def _contacts(person: Person) -> list[ContactOut]:
    points = (("email", person.email), ("sms", person.phone))
    return [ContactOut(channel=channel, address=address, verified=True) for channel, address in points if address]
