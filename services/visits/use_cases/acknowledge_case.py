"""Somebody takes a case: from its page, by one tap, or by answering the message."""

from datetime import datetime
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain import case_acts
from services.visits.use_cases.case_turn import Turn, case_turn, take_turn
from services.visits.use_cases.see_visit import Asker
from shared.commands import Idempotency
from shared.db import Connection


async def acknowledge_case(
    case_id: UUID, asker: Asker, *, take_over: bool = False, idempotency: Idempotency, deps: Deps
) -> UUID:
    """Re-arms, never disarms. Against a deadline, the order of commits decides."""
    async with case_turn(case_id, asker, "acknowledge", idempotency=idempotency, deps=deps) as turn:
        if turn is not None:
            await _acknowledge(turn, take_over=take_over)
    return case_id


async def acknowledge_in(
    case_id: UUID, asker: Asker, *, conn: Connection, received_at: datetime, deps: Deps
) -> None:
    """The same, answered by SMS or mail: in the consumer's transaction."""
    turn = await take_turn(case_id, asker, "acknowledge", conn=conn, received_at=received_at, deps=deps)
    await _acknowledge(turn, take_over=False)


async def _acknowledge(turn: Turn, *, take_over: bool) -> None:
    by = turn.asker.person_id
    await turn.settle(case_acts.acknowledge(turn.case, by, turn.terms, turn.now, take_over=take_over))
