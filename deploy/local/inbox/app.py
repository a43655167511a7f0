"""The inbox's HTTP side: text messages in, a JSON API for tests and demo, pages for people."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader
from pydantic import BaseModel, StringConstraints

from deploy.local.inbox.store import Store

HERE = Path(__file__).parent
COOKIE = "gemba-inbox"
_PAGE = 100
_LONGEST_WAIT_SECONDS = 60.0
_REFUSING_NUMBER = "0000"


class Sms(BaseModel):
    """One text message. ``id`` is the sender's own; the same id twice is one message."""

    to: Annotated[str, StringConstraints(pattern=r"^\+?[0-9 ]{3,20}$")]
    text: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    id: Annotated[str, StringConstraints(max_length=100)] = ""


def make_inbox(store: Store, *, key: str = "") -> FastAPI:
    """``key`` protects pages and API where others share the machine: they hold sign-in links."""
    app = FastAPI(title="Gemba dev inbox", docs_url=None, redoc_url=None, openapi_url=None)
    pages = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)
    app.mount("/inbox/static", StaticFiles(directory=HERE / "static"), name="static")

    def reader(request: Request) -> None:
        if not key:
            return
        shown = request.cookies.get(COOKIE) or request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(shown.encode(), key.encode()):
            raise HTTPException(401, "the inbox is open to whoever has its key: use the address that `up` printed")

    readers_only = [Depends(reader)]

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/inbox/sms")
    async def take_sms(sms: Annotated[Sms, Body()]) -> Response:
        if sms.to.replace(" ", "").endswith(_REFUSING_NUMBER):
            return JSONResponse({"error": "number_unreachable"}, status_code=422)
        message, is_new = await store.add_sms(sms.to, sms.text, sms.id)
        return JSONResponse({"id": message.id, "repeated": not is_new}, 201 if is_new else 200)

    @app.get("/inbox/api/messages", dependencies=readers_only)
    async def messages(
        to: str = "",
        since: int = 0,
        kind: str = "",
        wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT_SECONDS)] = 0.0,
    ) -> dict[str, Any]:
        found = (
            await store.wait_for(to=to, since=since, kind=kind, seconds=wait)
            if wait
            else (store.find(to=to, since=since, kind=kind))
        )
        return {"messages": [each.as_json() for each in found], "last": store.last_id}

    @app.get("/inbox/open")
    async def open_with_key(shown: Annotated[str, Query(alias="key")] = "") -> Response:
        answer = RedirectResponse("/inbox/", 303)
        answer.set_cookie(COOKIE, shown, path="/inbox", httponly=True, samesite="strict")
        return answer

    @app.get("/inbox/", dependencies=readers_only)
    async def listing(to: str = "") -> HTMLResponse:
        found = list(reversed(store.find(to=to)))[:_PAGE]
        values = {"messages": found, "to": to, "mailboxes": store.mailboxes(), "last": store.last_id}
        return HTMLResponse(pages.get_template("list.html").render(values))

    @app.get("/inbox/messages/{number}", dependencies=readers_only)
    async def one(number: int) -> HTMLResponse:
        message = store.get(number)
        if message is None:
            raise HTTPException(404, "no such message; the inbox keeps the newest 5,000")
        return HTMLResponse(pages.get_template("message.html").render(message=message))

    @app.get("/inbox/messages/{number}/calendar.ics", dependencies=readers_only)
    async def calendar(number: int) -> Response:
        message = store.get(number)
        if message is None or message.calendar is None:
            raise HTTPException(404, "no such message, or it has no calendar entry")
        return Response(message.calendar.ics, media_type="text/calendar")

    return app
