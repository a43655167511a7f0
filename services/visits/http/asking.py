"""Who asks, with what, and under which idempotency key: what every route of visits begins with."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request

from services.visits.deps import Deps
from services.visits.use_cases.see_visit import Asker
from shared.auth import Identity, identity, require
from shared.commands import Idempotency


async def deps_of(request: Request) -> Deps:
    """What the lifespan opened."""
    found: Deps = request.app.state.deps
    return found


def asker_from(found: Identity) -> Asker:
    """The signed identity as the use cases know it."""
    return Asker(UUID(found.person_id), found.roles, found.countries)


async def _anybody(request: Request) -> Asker:
    return asker_from(await identity(request))


def _with(*roles: str) -> Callable[[Request], Awaitable[Asker]]:
    required = require(*roles)

    async def asker(request: Request) -> Asker:
        return asker_from(await required(request))

    return asker


AnyDeps = Annotated[Deps, Depends(deps_of)]
Anybody = Annotated[Asker, Depends(_anybody)]
Trainer = Annotated[Asker, Depends(_with("trainer"))]
FieldWorker = Annotated[Asker, Depends(_with("trainer", "coordinator", "head"))]
"""Whoever has visits to see."""
ActionPerson = Annotated[Asker, Depends(_with("coordinator", "head", "enterprise", "trainer"))]
Safeguarding = Annotated[Asker, Depends(_with("officer", "deputy", "head", "administrator"))]
"""Whoever may be alerted of a case; administrators only where nobody else is left."""
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", description="A fresh UUID for each new wish")]


def idempotency(key: str, act: str, asker: Asker, **request: Any) -> Idempotency:
    """The key in the scope of one act by one person. Case text goes in as its fingerprint."""
    return Idempotency.of(key, f"{act}:{asker.person_id}", request)
