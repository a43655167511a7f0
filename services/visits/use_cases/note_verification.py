"""The timetable or a report says what became of a case's verification visit. The case's own page alone tells."""

from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain import case_acts
from services.visits.domain.case import Verification
from services.visits.storage.cases import get_case_of_verification
from services.visits.use_cases.settle_case import load_terms, settle
from shared.db import Connection


async def note_verification(visit_id: UUID, what: Verification, *, conn: Connection, deps: Deps) -> None:
    """Does nothing for a visit that verifies no case."""
    file = await get_case_of_verification(conn, visit_id)
    if file is None:
        return
    decision = case_acts.note_verification(file.case, visit_id, what)
    await settle(conn, file, decision, await load_terms(conn, file, deps), now=deps.clock.now(), actor=None)
