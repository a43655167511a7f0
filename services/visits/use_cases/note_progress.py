"""A progress note: sealed; the owner's renews the shelf-life. It may name persons who must not have the case."""

from collections.abc import Sequence
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain import case_acts
from services.visits.storage.people import hold_line
from services.visits.use_cases.case_turn import case_turn
from services.visits.use_cases.open_case import check_named, name_persons
from services.visits.use_cases.see_visit import Asker
from services.visits.use_cases.settle_case import lock_case
from shared.commands import Idempotency
from shared.crypto import SealedText


async def note_progress(
    case_id: UUID,
    asker: Asker,
    text: SealedText,
    *,
    named: Sequence[UUID] = (),
    idempotency: Idempotency,
    deps: Deps,
) -> UUID:
    """Write it down. Naming the owner, or somebody in their line, moves the case to the next tier at once."""
    async with case_turn(case_id, asker, "acknowledge", idempotency=idempotency, deps=deps) as turn:
        if turn is not None:
            decision = case_acts.note_progress(turn.case, asker.person_id, turn.terms, turn.now)
            await turn.write("note", text)
            await turn.note("note")
            await turn.settle(decision)
            if named:
                await hold_line(turn.conn)
                await check_named(turn.conn, named)
                file = await lock_case(turn.conn, case_id)
                await name_persons(turn.conn, file, named, by=asker.person_id, now=turn.now, deps=deps)
    return case_id
