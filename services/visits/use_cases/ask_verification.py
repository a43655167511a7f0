"""A visit by somebody independent is wanted. The timetable plans it like any other; only the case's page says what for."""

from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain import case_acts
from services.visits.use_cases.case_turn import case_turn
from services.visits.use_cases.see_visit import Asker
from shared.commands import Idempotency
from shared.ids import new_id


async def ask_verification(case_id: UUID, asker: Asker, *, idempotency: Idempotency, deps: Deps) -> UUID:
    """Neither the finder nor anybody excluded may be sent."""
    async with case_turn(case_id, asker, "confirm", idempotency=idempotency, deps=deps) as turn:
        if turn is not None:
            await turn.settle(
                case_acts.ask_verification(turn.case, asker.person_id, new_id(), turn.terms, turn.now)
            )
    return case_id
