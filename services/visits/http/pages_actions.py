"""Corrective actions: the coordinator's list, the enterprise's own, and one action with its evidence."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, StringConstraints

from services.visits.http import words
from services.visits.http.asking import ActionPerson, AnyDeps, idempotency
from services.visits.http.pages_visits import Key
from services.visits.http.views import action_detail, actions_out
from services.visits.storage.actions import list_actions
from services.visits.use_cases.handle_evidence import return_evidence, submit_evidence, verify_action
from services.visits.use_cases.see_action import enterprise_of, see_action
from services.visits.use_cases.want_follow_up import want_follow_up
from shared.crypto import new_token
from shared.db import transaction
from shared.errors import Rejected
from shared.web.forms import Form, read_form
from shared.web.pages import render

_PAGE = 100


class ActionForm(BaseModel):
    """What any of the acts may carry."""

    idempotency_key: Key
    text: Annotated[str, StringConstraints(max_length=4000)] = ""
    latest: date | None = None


def router() -> APIRouter:
    """`/actions…`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/actions")
    async def actions(request: Request, asker: ActionPerson, deps: AnyDeps, cursor: UUID | None = None) -> Response:
        coordinates = not asker.roles.isdisjoint({"coordinator", "head"})
        async with transaction(deps.pool) as conn:
            found = await list_actions(
                conn,
                countries=sorted(asker.countries) if coordinates else None,
                owner_id=None if coordinates else asker.person_id,
                enterprise_id=None if coordinates else await enterprise_of(conn, asker),
                after=cursor,
                limit=_PAGE + 1,
            )
            shown = await actions_out(conn, found[:_PAGE])
        late = "9999"
        return render(
            request,
            "actions.html",
            open_actions=sorted(
                (action for action in shown if action.state != "verified"), key=lambda one: str(one.due_at or late)
            ),
            done_actions=[action for action in shown if action.state == "verified"],
            next=shown[-1].action_id if len(found) > _PAGE else None,
            now=deps.clock.now(),
            states=words.ACTION_STATES,
        )

    @routes.get("/actions/{action_id}")
    async def action(request: Request, action_id: UUID, asker: ActionPerson, deps: AnyDeps) -> Response:
        return await _action_page(request, action_id, asker, deps, Form())

    @routes.post("/actions/{action_id}/{act}")
    async def act(request: Request, action_id: UUID, act: str, asker: ActionPerson, deps: AnyDeps) -> Response:
        filled, form = await read_form(request, ActionForm)
        if filled is None:
            return await _action_page(request, action_id, asker, deps, form, status=422)
        try:
            await _do(act, action_id, asker, filled, deps)
        except Rejected as refused:
            if refused.status == 404:
                raise
            return await _action_page(
                request, action_id, asker, deps, form.refuse(refused), status=refused.status
            )
        return RedirectResponse(f"/visits/actions/{action_id}", 303)

    return routes


async def _do(act: str, action_id: UUID, asker: ActionPerson, filled: ActionForm, deps: AnyDeps) -> None:
    wish = idempotency(
        filled.idempotency_key, act, asker, action=action_id, text=filled.text, latest=filled.latest
    )
    if act in {"evidence", "return"} and not filled.text.strip():
        raise Rejected("text_missing", 422, "Write something down first.", field="text")
    match act:
        case "evidence":
            await submit_evidence(action_id, asker, filled.text, evidence_id=None, idempotency=wish, deps=deps)
        case "return":
            await return_evidence(action_id, asker, filled.text, idempotency=wish, deps=deps)
        case "verify":
            await verify_action(action_id, asker, idempotency=wish, deps=deps)
        case "follow-up":
            latest = filled.latest
            latest_at = datetime(latest.year, latest.month, latest.day, 23, 59, tzinfo=UTC) if latest else None
            await want_follow_up(action_id, asker, latest_at=latest_at, idempotency=wish, deps=deps)
        case _:
            raise Rejected("not_found", 404, "There is nothing at this address.")


async def _action_page(
    request: Request, action_id: UUID, asker: ActionPerson, deps: AnyDeps, form: Form, *, status: int = 200
) -> Response:
    action = await action_detail(await see_action(action_id, asker, deps=deps), deps)
    return render(
        request,
        "action.html",
        status=status,
        action=action,
        form=form,
        decides=asker.coordinates(action.country),
        now=deps.clock.now(),
        states=words.ACTION_STATES,
        events=words.ACTION_EVENTS,
        fresh=new_token,
    )
