"""From suspected to confirmed: what follows is verified and resolved, no longer cancelled."""

from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain import case_acts
from services.visits.use_cases.case_turn import case_turn
from services.visits.use_cases.see_visit import Asker
from shared.commands import Idempotency
from shared.crypto import SealedText


async def confirm_case(
    case_id: UUID, asker: Asker, text: SealedText | None, *, idempotency: Idempotency, deps: Deps
) -> UUID:
    """Only by whoever has the case."""
    async with case_turn(case_id, asker, "confirm", idempotency=idempotency, deps=deps) as turn:
        if turn is not None:
            await turn.settle(case_acts.confirm(turn.case, asker.person_id, turn.terms, turn.now))
            await turn.write("confirmation", text)
    return case_id
