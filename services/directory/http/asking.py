"""What every route of directory takes from its request: the deps, who asks, the idempotency key, a cursor."""

import base64
import json
from typing import Annotated, Final, cast
from uuid import UUID

from fastapi import Depends, Request

from services.directory.deps import Deps
from services.directory.domain.people import Actor, Person
from shared.auth import Identity
from shared.errors import Rejected

PAGE: Final = 50


async def deps_of(request: Request) -> Deps:
    """What `main.py` opened."""
    return cast("Deps", request.app.state.deps)


CurrentDeps = Annotated[Deps, Depends(deps_of)]


async def idempotency_key(request: Request) -> str:
    """The client's key; without one, a command cannot be asked for twice without harm."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise Rejected(
            "idempotency_key_missing",
            400,
            "Every command needs the header Idempotency-Key: a fresh UUID, kept when the request is repeated.",
            field="Idempotency-Key",
        )
    return key


IdempotencyKey = Annotated[str, Depends(idempotency_key)]


def actor_of(identity: Identity) -> Actor:
    """The caller, as the domain's rules know them."""
    return Actor(identity.person_id, identity.roles, identity.countries)


def identity_of(person: Person, session_id: UUID, kind: str) -> Identity:
    """What is said of a person to the services for a minute."""
    return Identity(
        person_id=str(person.person_id),
        name=person.name,
        roles=frozenset(person.roles),
        countries=frozenset(person.countries),
        session_id=str(session_id),
        kind="token" if kind == "token" else "session",
        zone=person.zone,
        language=person.language,
    )


def next_cursor(name: str, key: UUID) -> str:
    """Where the next page begins; opaque to clients."""
    return base64.urlsafe_b64encode(json.dumps([name, str(key)]).encode()).decode()


def read_cursor(cursor: str | None) -> tuple[str, UUID] | None:
    """The place a cursor names; `Rejected` when it is none of ours."""
    if not cursor:
        return None
    try:
        name, key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return str(name), UUID(key)
    except (ValueError, TypeError, AttributeError) as bad:
        raise Rejected(
            "bad_cursor", 422, "The cursor is none that a list gave; leave it out to begin anew.", field="cursor"
        ) from bad
