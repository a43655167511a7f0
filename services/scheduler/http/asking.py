"""What every route of the scheduler needs to know: who asks, for which countries, and the use cases' deps."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field

from services.scheduler.deps import Deps
from shared.auth import Identity, require
from shared.commands import Idempotency
from shared.errors import Rejected


async def _deps(request: Request) -> Deps:
    return cast("Deps", request.app.state.deps)


SchedulerDeps = Annotated[Deps, Depends(_deps)]
Planner = Annotated[Identity, Depends(require("coordinator", "administrator"))]
"""Who plans. An administrator's countries are all that directory knows."""

Key = Annotated[str | None, Header(alias="Idempotency-Key")]
CountryCode = Annotated[str, Field(pattern="^[A-Z]{2}$")]


class Body(BaseModel):
    """What a command brings with it; what it does not know is refused, so that a misspelt wish is not lost."""

    model_config = ConfigDict(extra="forbid")


def idempotency(key: str | None, identity: Identity, verb: str, request: object) -> Idempotency:
    """The command's key in its asker's own scope; a command without one is refused."""
    if not key:
        raise Rejected(
            "idempotency_key_missing",
            400,
            "Every command needs an Idempotency-Key; a fresh UUID for each new command is right.",
            field="Idempotency-Key",
        )
    return Idempotency.of(key, f"scheduler.{verb}:{identity.person_id}", request)


def person_of(identity: Identity) -> UUID | None:
    """The asker's id where it is one of directory's."""
    try:
        return UUID(identity.person_id)
    except ValueError:
        return None
