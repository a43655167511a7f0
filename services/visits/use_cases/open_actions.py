"""Every finding that is more than an observation asks for something: an owner, a due date, a way to verify it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.action import Action, ActionState
from services.visits.domain.visit import Visit
from services.visits.storage import actions, enterprises, people
from services.visits.storage.reports import Finding
from shared.contracts.action import ActionOpened
from shared.db import Connection
from shared.ids import new_id
from shared.kafka.outbox import emit
from shared.timers import arm

REMIND = "action.remind"
"""Before the due date, when nothing has been submitted."""

OVERDUE = "action.overdue"
"""The due date, then tier after tier until it is verified."""


async def open_actions(
    findings: Sequence[Finding], visit: Visit, *, conn: Connection, now: datetime, deps: Deps
) -> None:
    """The actions of one report. The owner speaks for the enterprise; where nobody does, a coordinator has it."""
    rules = deps.packs.actions
    asking = [finding for finding in findings if finding.grade in rules.grades]
    if not asking:
        return
    contacts = await enterprises.list_first_contacts(conn, {finding.enterprise_id for finding in asking})
    coordinators = (await people.list_by_role(conn, visit.country, ["coordinator"]))["coordinator"]
    fallback = coordinators[0] if coordinators else visit.trainer_id
    for finding in asking:
        rule = rules.grades[finding.grade]
        action = Action(
            action_id=new_id(),
            finding_id=finding.finding_id,
            visit_id=visit.visit_id,
            enterprise_id=finding.enterprise_id,
            country=visit.country,
            item=finding.item,
            grade=finding.grade,
            module=visit.module,
            owner_id=contacts.get(finding.enterprise_id, fallback),
            trainer_id=visit.trainer_id,
            opened_at=now,
            due_at=now + rule.due_in if rule.due_in is not None else None,
            verification=rule.verification,
            state=ActionState.OPEN,
            tier=0,
        )
        await _open(action, rules.version, conn=conn, now=now)
        if action.due_at is not None:
            await arm(conn, OVERDUE, action.action_id, action.due_at, now=now)
            if action.due_at - rules.remind_before > now:
                await arm(conn, REMIND, action.action_id, action.due_at - rules.remind_before, now=now)


async def _open(action: Action, rules_version: int, *, conn: Connection, now: datetime) -> None:
    await actions.insert_action(conn, action, rules_version)
    await actions.insert_event(conn, action.action_id, now, action.trainer_id, "opened")
    opened = ActionOpened(
        action_id=action.action_id,
        finding_id=action.finding_id,
        enterprise_id=action.enterprise_id,
        country=action.country,
        item=action.item,
        owner_id=action.owner_id,
        due_at=action.due_at,
        verification=action.verification,
    )
    await emit(conn, opened, now=now)


async def note_follow_up(visit_id: UUID, trainer_id: UUID, *, conn: Connection, now: datetime) -> None:
    """The follow-up visit was made: its action can be verified now."""
    for action in await actions.list_by_follow_up(conn, visit_id):
        if action.state is not ActionState.VERIFIED:
            await actions.save_action(conn, replace(action, state=ActionState.VISITED))
            await actions.insert_event(conn, action.action_id, now, trainer_id, "visited", visit_id=str(visit_id))
