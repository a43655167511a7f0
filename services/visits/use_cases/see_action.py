"""Who may see which corrective actions: coordinators their countries', an enterprise its own, a trainer those of their visits."""

from dataclasses import dataclass
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.action import Action
from services.visits.storage import actions, people
from services.visits.use_cases.see_visit import Asker
from shared.db import Connection, Record, transaction
from shared.errors import not_found


@dataclass(frozen=True, slots=True)
class ActionView:
    """One action with its finding, its evidence and its timeline."""

    action: Action
    finding_text: str
    evidence: list[Record]
    events: list[Record]


async def enterprise_of(conn: Connection, asker: Asker) -> UUID | None:
    """The enterprise somebody speaks for, None for the programme's own people."""
    if "enterprise" not in asker.roles:
        return None
    person = await people.get_person(conn, asker.person_id)
    return person.enterprise_id if person else None


async def check_sees_action(conn: Connection, action: Action, asker: Asker) -> None:
    """Raise the answer of an action that is not there."""
    if asker.coordinates(action.country) or asker.person_id in {action.owner_id, action.trainer_id}:
        return
    mine = await enterprise_of(conn, asker)
    if mine is None or mine != action.enterprise_id:
        raise not_found("action")


async def load_action(conn: Connection, action_id: UUID, asker: Asker, *, lock: bool = False) -> Action:
    """The action if this person may see it."""
    action = await actions.get_action(conn, action_id, lock=lock)
    if action is None:
        raise not_found("action")
    await check_sees_action(conn, action, asker)
    return action


async def see_action(action_id: UUID, asker: Asker, *, deps: Deps) -> ActionView:
    """One action with everything around it."""
    async with transaction(deps.pool) as conn:
        action = await load_action(conn, action_id, asker)
        finding = await actions.get_finding(conn, action.finding_id)
        return ActionView(
            action,
            finding["text"] if finding else "",
            await actions.list_evidence(conn, action_id),
            await actions.list_events(conn, action_id),
        )
