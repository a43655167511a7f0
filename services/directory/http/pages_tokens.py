"""A token for the command line, made on one's own account page and shown once."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, StringConstraints

from services.directory.http.asking import CurrentDeps, actor_of
from services.directory.use_cases.tokens import CreateToken, create_token
from shared.auth import CurrentIdentity
from shared.web.forms import read_form
from shared.web.pages import render

DAYS = 90


class TokenForm(BaseModel):
    """What it is for, and the page on which the button was pressed."""

    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    idempotency_key: Annotated[str, StringConstraints(min_length=8, max_length=200)]


def router() -> APIRouter:
    """`/me/tokens`."""
    routes = APIRouter(include_in_schema=False)

    @routes.post("/me/tokens")
    async def make_token(request: Request, identity: CurrentIdentity, deps: CurrentDeps) -> Response:
        filled, form = await read_form(request, TokenForm)
        if filled is None:
            return render(request, "token.html", status=422, form=form, token=None, days=DAYS)
        cmd = CreateToken(
            actor_of(identity),
            UUID(identity.person_id),
            filled.label,
            DAYS,
            filled.idempotency_key,
            identity.kind == "token",
        )
        _, token = await create_token(cmd, deps=deps)
        page = render(request, "token.html", status=201, form=form, token=token, days=DAYS)
        page.headers["Cache-Control"] = "no-store"
        return page

    return routes
