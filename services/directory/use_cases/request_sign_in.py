"""Somebody wants to sign in: note the wish, and say nothing about whether the address is known."""

from dataclasses import dataclass

from services.directory.deps import Deps
from services.directory.domain.sign_in import MAILS_PER_WINDOW, WINDOW, hash_address, safe_next
from services.directory.storage.sign_in import insert_request
from shared.db import transaction
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class RequestSignIn:
    """What was typed, and where its writer wanted to go."""

    address: str
    next_path: str | None


async def request_sign_in(cmd: RequestSignIn, *, deps: Deps) -> None:
    """The same statements for a known, an unknown and a too eager address: who it is is looked up by the sender.

    Takes no idempotency key: a wish that is not mailed yet swallows further ones of its address.
    """
    now = deps.clock.now()
    async with transaction(deps.pool) as conn:
        await insert_request(
            conn,
            new_id(),
            hash_address(cmd.address),
            safe_next(cmd.next_path),
            now=now,
            window_began=now - WINDOW,
            most=MAILS_PER_WINDOW,
        )
