"""Somebody asks for another date. Only the timetable sets one; this says that it is wanted."""

from dataclasses import dataclass
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.visit import RESCHEDULE_REASONS, check_reschedule
from services.visits.storage.visits import get_visit, mark_reschedule_wanted
from services.visits.use_cases.see_visit import Asker, check_sees
from shared.commands import Idempotency, command
from shared.contracts.visit import RescheduleWanted
from shared.errors import Rejected, not_found
from shared.kafka.outbox import emit


@dataclass(frozen=True, slots=True)
class WantReschedule:
    """`reason` is a code: what the timetable learns of it."""

    visit_id: UUID
    asker: Asker
    reason: str


async def want_reschedule(cmd: WantReschedule, *, idempotency: Idempotency, deps: Deps) -> UUID:
    """Tell the timetable."""
    if cmd.reason not in RESCHEDULE_REASONS:
        known = ", ".join(RESCHEDULE_REASONS)
        raise Rejected("reason_unknown", 422, f"Say why: one of {known}.", field="reason")
    async with command(deps.pool, idempotency) as open_command:
        if open_command.repeated:
            return open_command.earlier_result
        conn, now = open_command.conn, deps.clock.now()
        visit = await get_visit(conn, cmd.visit_id, lock=True)
        if visit is None:
            raise not_found("visit")
        check_sees(visit, cmd.asker)
        check_reschedule(visit)
        await mark_reschedule_wanted(conn, visit.visit_id, now)
        wanted = RescheduleWanted(
            visit_id=visit.visit_id,
            country=visit.country,
            trainer_id=visit.trainer_id,
            wanted_by=cmd.asker.person_id,
            reason=cmd.reason,
        )
        await emit(conn, wanted, now=now)
        return await open_command.done(visit.visit_id)
