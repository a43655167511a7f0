"""Corrective actions over HTTP."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.visits.http.asking import ActionPerson, AnyDeps, IdempotencyKey, idempotency
from services.visits.http.bodies import EmptyBody, EvidenceBody, FollowUpBody, ReturnEvidenceBody
from services.visits.http.shapes import ActionDetail, ActionPage
from services.visits.http.views import action_detail, actions_out
from services.visits.storage.actions import list_actions
from services.visits.use_cases.handle_evidence import return_evidence, submit_evidence, verify_action
from services.visits.use_cases.see_action import enterprise_of, see_action
from services.visits.use_cases.want_follow_up import want_follow_up
from shared.db import transaction

State = Literal["open", "submitted", "visited", "verified"]


def router() -> APIRouter:
    """Routes under `/visits/api/actions`."""
    routes = APIRouter(prefix="/api/actions", tags=["actions"])

    @routes.get("")
    async def get_actions(
        asker: ActionPerson,
        deps: AnyDeps,
        state: State | None = None,
        open: bool = False,
        visit_id: UUID | None = None,
        cursor: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> ActionPage:
        """A coordinator's countries' actions; anybody else's own, and their enterprise's."""
        coordinates = not asker.roles.isdisjoint({"coordinator", "head"})
        async with transaction(deps.pool) as conn:
            found = await list_actions(
                conn,
                countries=sorted(asker.countries) if coordinates else None,
                owner_id=None if coordinates else asker.person_id,
                enterprise_id=None if coordinates else await enterprise_of(conn, asker),
                state=state,
                open_only=open,
                after=cursor,
                visit_id=visit_id,
                limit=limit + 1,
            )
            items = await actions_out(conn, found[:limit])
        return ActionPage(items=items, next=str(items[-1].action_id) if len(found) > limit else None)

    @routes.get("/{action_id}")
    async def get_action(action_id: UUID, asker: ActionPerson, deps: AnyDeps) -> ActionDetail:
        return await action_detail(await see_action(action_id, asker, deps=deps), deps)

    @routes.post("/{action_id}/evidence", status_code=201)
    async def post_evidence(
        action_id: UUID, asker: ActionPerson, deps: AnyDeps, key: IdempotencyKey, body: EvidenceBody
    ) -> dict[str, Any]:
        wish = idempotency(key, "evidence", asker, action=action_id, body=body.model_dump(mode="json"))
        evidence_id = await submit_evidence(
            action_id, asker, body.text, evidence_id=body.evidence_id, idempotency=wish, deps=deps
        )
        return {"evidence_id": evidence_id, "action_id": action_id}

    @routes.post("/{action_id}/return")
    async def post_return(
        action_id: UUID, asker: ActionPerson, deps: AnyDeps, key: IdempotencyKey, body: ReturnEvidenceBody
    ) -> ActionDetail:
        wish = idempotency(key, "return", asker, action=action_id, reason=body.reason)
        await return_evidence(action_id, asker, body.reason, idempotency=wish, deps=deps)
        return await action_detail(await see_action(action_id, asker, deps=deps), deps)

    @routes.post("/{action_id}/verify")
    async def post_verify(
        action_id: UUID, asker: ActionPerson, deps: AnyDeps, key: IdempotencyKey, body: EmptyBody | None = None
    ) -> ActionDetail:
        """On the desk with evidence, or after the follow-up visit; by a coordinator."""
        await verify_action(action_id, asker, idempotency=idempotency(key, "verify", asker, action=action_id), deps=deps)
        return await action_detail(await see_action(action_id, asker, deps=deps), deps)

    @routes.post("/{action_id}/follow-up", status_code=201)
    async def post_follow_up(
        action_id: UUID, asker: ActionPerson, deps: AnyDeps, key: IdempotencyKey, body: FollowUpBody | None = None
    ) -> dict[str, Any]:
        """Ask for a visit that verifies it; the timetable plans it under the id that comes back."""
        window = body or FollowUpBody()
        wish = idempotency(key, "follow-up", asker, action=action_id, body=window.model_dump(mode="json"))
        visit_id = await want_follow_up(
            action_id,
            asker,
            earliest_at=window.earliest_at,
            latest_at=window.latest_at,
            idempotency=wish,
            deps=deps,
        )
        return {"action_id": action_id, "visit_id": visit_id}

    return routes
