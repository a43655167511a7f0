"""What the log is told: the whole state of people and enterprises, and that one of them changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.directory.domain.enterprises import Closed, Enterprise
from services.directory.domain.people import Person
from services.directory.storage.enterprises import list_closed_days, list_enterprises_by_ids
from services.directory.storage.people import list_people_by_ids
from shared.contracts import State
from shared.contracts.enterprise import ClosedDays, EnterpriseState
from shared.contracts.person import ContactPoint, PersonState
from shared.contracts.values import Channel, Role
from shared.db import Connection
from shared.kafka.outbox import emit_state

REGISTER_LOCK = "select pg_advisory_xact_lock(7270001)"


async def claim_register(conn: Connection) -> None:
    """One writer of the register at a time: rows refer to each other, and a check must hold until its commit."""
    await conn.execute(REGISTER_LOCK)


async def emit_people(conn: Connection, ids: Sequence[UUID], *, now: datetime) -> None:
    """Say that these people changed; their rows are locked or new."""
    for person_id in ids:
        await emit_state(conn, PersonState.topic, person_id, now=now)


async def emit_enterprises(conn: Connection, ids: Sequence[UUID], *, now: datetime) -> None:
    """Say that these enterprises changed; their rows are locked or new."""
    for enterprise_id in ids:
        await emit_state(conn, EnterpriseState.topic, enterprise_id, now=now)


async def load_states(conn: Connection, topic: str, keys: Sequence[UUID]) -> Mapping[UUID, State]:
    """The present state of keys, for the relay; an erased key is left out."""
    if topic == PersonState.topic:
        return {person.person_id: state_of_person(person) for person in await list_people_by_ids(conn, keys)}
    enterprises = await list_enterprises_by_ids(conn, keys)
    closed = await list_closed_days(conn, keys)
    return {
        enterprise.enterprise_id: state_of_enterprise(
            enterprise, list(closed.get(enterprise.enterprise_id, {}).values())
        )
        for enterprise in enterprises
    }


def state_of_person(person: Person) -> PersonState:
    """Contact points travel on this topic alone; directory takes none in that nobody vouched for."""
    points = [(Channel.EMAIL, person.email), (Channel.SMS, person.phone)]
    return PersonState(
        person_id=person.person_id,
        key_name=person.key_name,
        name=person.name,
        country=person.country,
        roles=tuple(Role(role) for role in person.roles),
        countries=person.countries,
        language=person.language,
        zone=person.zone,
        languages=person.languages,
        contact_points=tuple(
            ContactPoint(channel=channel, address=address, verified=True) for channel, address in points if address
        ),
        active=person.active,
        line_manager_id=person.line_manager_id,
        enterprise_id=person.enterprise_id,
    )


def state_of_enterprise(enterprise: Enterprise, closed: Sequence[Closed]) -> EnterpriseState:
    """With its own calendar."""
    return EnterpriseState(
        enterprise_id=enterprise.enterprise_id,
        key_name=enterprise.key_name,
        name=enterprise.name,
        country=enterprise.country,
        region=enterprise.region,
        zone=enterprise.zone,
        latitude=enterprise.latitude,
        longitude=enterprise.longitude,
        working_weekdays=enterprise.working_weekdays,
        manager_languages=enterprise.manager_languages,
        worker_languages=enterprise.worker_languages,
        closed=tuple(ClosedDays(first=days.first, last=days.last, reason=days.reason) for days in closed),
        contact_ids=enterprise.contact_ids,
        manager_contact_id=enterprise.manager_contact_id,
        worker_contact_id=enterprise.worker_contact_id,
        active=enterprise.active,
    )
