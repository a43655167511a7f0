"""Closing takes two: one proposes, another one approves or returns it."""

from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain import case_acts
from services.visits.domain.case import Outcome
from services.visits.use_cases.case_turn import case_turn
from services.visits.use_cases.see_visit import Asker
from shared.commands import Idempotency
from shared.crypto import SealedText


async def propose_closure(
    case_id: UUID,
    asker: Asker,
    outcome: Outcome,
    reason: SealedText | None,
    *,
    idempotency: Idempotency,
    deps: Deps,
) -> UUID:
    """Resolved or cancelled, and why."""
    async with case_turn(case_id, asker, "propose", idempotency=idempotency, deps=deps) as turn:
        if turn is not None:
            has_reason = reason is not None and bool(reason.reveal().strip())
            decision = case_acts.propose_closure(
                turn.case, asker.person_id, outcome, has_reason=has_reason, terms=turn.terms, now=turn.now
            )
            await turn.settle(decision)
            await turn.write("proposal", reason)
    return case_id


async def approve_closure(
    case_id: UUID, asker: Asker, remark: SealedText | None, *, idempotency: Idempotency, deps: Deps
) -> UUID:
    """By the second person: neither who proposed it nor who raised the case."""
    async with case_turn(case_id, asker, "approve", idempotency=idempotency, deps=deps) as turn:
        if turn is not None:
            await turn.settle(case_acts.approve_closure(turn.case, asker.person_id))
            await turn.write("approval", remark)
    return case_id


async def return_closure(
    case_id: UUID, asker: Asker, reason: SealedText, *, idempotency: Idempotency, deps: Deps
) -> UUID:
    """Not yet: back to its owner, with the reason."""
    async with case_turn(case_id, asker, "approve", idempotency=idempotency, deps=deps) as turn:
        if turn is not None:
            await turn.settle(case_acts.return_closure(turn.case, asker.person_id, turn.terms, turn.now))
            await turn.write("return", reason)
    return case_id
