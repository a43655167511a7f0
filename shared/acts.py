"""An operator's act: whose it is, done once however often it is asked for, and kept in the log of audit lines."""

from typing import TYPE_CHECKING, Annotated, cast

import structlog
from fastapi import Depends, Header, Request

from shared.auth import Identity, require
from shared.commands import Command, Idempotency
from shared.ids import new_id

if TYPE_CHECKING:
    from shared.assembly import Running

_log = structlog.get_logger(__name__)

Administrator = Annotated[Identity, Depends(require("administrator"))]
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", description="A fresh UUID for each new wish.")]


def service_of(request: Request) -> "Running":
    return cast("Running", request.app.state.service)


def asked(key: str, by: Identity, what: object, wish: dict[str, object]) -> Idempotency:
    return Idempotency.of(key, f"operations/{by.person_id}", {"of": what, **wish})


async def remember(act: Command) -> None:
    """These acts make nothing with an id: that they were done is what a repeat has to know."""
    if not act.repeated:
        await act.done(new_id())


def audit(act: Command, by: Identity, name: str, **about: object) -> None:
    """Who did what, once it is committed. The reason of a skip stands with the record, not in the log."""
    if not act.repeated:
        _log.warning("audit.operation", act=name, person_id=by.person_id, session_id=by.session_id, **about)
