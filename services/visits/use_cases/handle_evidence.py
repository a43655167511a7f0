"""Evidence is submitted by whoever owns the action, and returned with a reason or accepted by a coordinator."""

from dataclasses import replace
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.action import Action, ActionState, check_evidence, check_return, check_verify
from services.visits.storage import actions
from services.visits.use_cases.open_actions import OVERDUE, REMIND
from services.visits.use_cases.see_action import load_action
from services.visits.use_cases.see_visit import Asker
from services.visits.use_cases.watch_actions import recipients_of
from shared.commands import Idempotency, command
from shared.contracts.action import ActionVerified, EvidenceReturned, EvidenceSubmitted
from shared.db import Connection
from shared.errors import Rejected
from shared.ids import new_id
from shared.kafka.outbox import emit
from shared.timers import disarm


async def submit_evidence(
    action_id: UUID, asker: Asker, text: str, *, evidence_id: UUID | None, idempotency: Idempotency, deps: Deps
) -> UUID:
    """What was done, in the owner's words; the coordinators are told. Returns the evidence's id."""
    async with command(deps.pool, idempotency) as open_command:
        if open_command.repeated:
            return open_command.earlier_result
        conn, now = open_command.conn, deps.clock.now()
        action = await load_action(conn, action_id, asker, lock=True)
        check_evidence(action)
        evidence_id = evidence_id or new_id()
        if not await actions.insert_evidence(conn, evidence_id, action_id, asker.person_id, now, text):
            raise Rejected("evidence_known", 409, "Evidence of this id is there already; make a fresh UUID.", field="evidence_id")
        if action.state is ActionState.OPEN:
            await actions.save_action(conn, replace(action, state=ActionState.SUBMITTED))
        await actions.insert_event(
            conn, action_id, now, asker.person_id, "evidence_submitted", evidence_id=str(evidence_id)
        )
        submitted = EvidenceSubmitted(
            action_id=action_id,
            country=action.country,
            evidence_id=evidence_id,
            submitted_by=asker.person_id,
            recipient_ids=await recipients_of(conn, action, "coordinator"),
        )
        await emit(conn, submitted, now=now)
        return await open_command.done(evidence_id)


async def return_evidence(
    action_id: UUID, asker: Asker, reason: str, *, idempotency: Idempotency, deps: Deps
) -> UUID:
    """Not enough yet: the reason stays here, the owner is told that there is one."""
    async with command(deps.pool, idempotency) as open_command:
        if open_command.repeated:
            return open_command.earlier_result
        conn, now = open_command.conn, deps.clock.now()
        action = await load_action(conn, action_id, asker, lock=True)
        check_decides(action, asker)
        check_return(action)
        decided = await actions.mark_evidence(conn, action_id, "returned", asker.person_id, now, reason)
        await actions.save_action(conn, replace(action, state=ActionState.OPEN))
        await actions.insert_event(conn, action_id, now, asker.person_id, "evidence_returned")
        for row in decided:
            returned = EvidenceReturned(
                action_id=action_id,
                country=action.country,
                evidence_id=row["evidence_id"],
                recipient_ids=tuple(dict.fromkeys((action.owner_id, row["submitted_by"]))),
            )
            await emit(conn, returned, now=now)
        return await open_command.done(action_id)


async def verify_action(action_id: UUID, asker: Asker, *, idempotency: Idempotency, deps: Deps) -> UUID:
    """Done and seen to be done: its deadlines go."""
    async with command(deps.pool, idempotency) as open_command:
        if open_command.repeated:
            return open_command.earlier_result
        conn = open_command.conn
        action = await load_action(conn, action_id, asker, lock=True)
        check_decides(action, asker)
        if check_verify(action):
            await _verify(action, asker, conn, deps)
        return await open_command.done(action_id)


async def _verify(action: Action, asker: Asker, conn: Connection, deps: Deps) -> None:
    now = deps.clock.now()
    await actions.mark_evidence(conn, action.action_id, "accepted", asker.person_id, now)
    verified = replace(action, state=ActionState.VERIFIED)
    await actions.save_action(conn, verified, verified_by=asker.person_id, verified_at=now)
    await actions.insert_event(conn, action.action_id, now, asker.person_id, "verified")
    await disarm(conn, REMIND, action.action_id)
    await disarm(conn, OVERDUE, action.action_id)
    fact = ActionVerified(
        action_id=action.action_id,
        country=action.country,
        verified_by=asker.person_id,
        recipient_ids=(action.owner_id,),
    )
    await emit(conn, fact, now=now)


def check_decides(action: Action, asker: Asker) -> None:
    """Raise unless this is a coordinator of the action's country: an owner does not verify their own work."""
    if not asker.coordinates(action.country):
        raise Rejected("wrong_role", 403, "Only a coordinator of the country decides on an action.")
