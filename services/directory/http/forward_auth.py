"""What the web origin asks before every request: who is it, and may they pass at all.

Answers 200 with `Gemba-Identity` (good for the service in the path and for a minute), 200 without it for an open
address, or what the stranger is to be told. One indexed query; who somebody is is never remembered, so that a session
that was ended is gone with the next request.
"""

import time
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from services.directory.deps import Deps
from services.directory.domain.access import is_open, is_secret_to_the_origin, service_of, sign_in_address
from services.directory.http.asking import CurrentDeps, identity_of
from services.directory.http.cookies import session_cookies
from services.directory.storage.sessions import LiveSession, get_session, mark_seen
from shared.auth import HEADER
from shared.crypto import hash_token
from shared.db import session as statements
from shared.errors import not_found
from shared.web.pages import render
from shared.web.problems import PROBLEM_JSON

_LONGEST_TOKEN = 200
_NOT_SIGNED_IN = "You are not signed in, or your sign-in has ended. Sign in again."


def router() -> APIRouter:
    """The one route; the origin alone asks it."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/forward-auth")
    async def forward_auth(request: Request, deps: CurrentDeps) -> Response:
        wanted = request.headers.get("X-Forwarded-Uri", "/")
        path = urlsplit(wanted).path if wanted.startswith("/") and not wanted.startswith("//") else wanted
        if is_secret_to_the_origin(path):
            raise not_found("page")
        if is_open(path, has_inbox=deps.settings.has_inbox):
            return Response()
        session = await _session(request, deps)
        if session is None:
            return _stranger(request, wanted, path)
        service = service_of(path)
        if service is None:
            return Response()  # the origin itself answers there: nobody needs to know who it is
        identity = identity_of(session.person, session.session_id, session.kind)
        return Response(headers={HEADER: deps.signer.sign(identity, time.time(), service)})

    return routes


async def _session(request: Request, deps: Deps) -> LiveSession | None:
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        offered = [(bearer.strip(), "token")] if scheme.lower() == "bearer" else []
    else:
        offered = [(token, "session") for token in session_cookies(request, deps.settings)]
    for token, kind in offered:
        if not 0 < len(token) <= _LONGEST_TOKEN:
            continue
        async with statements(deps.pool) as conn:
            session = await get_session(conn, hash_token(token), kind)
            if session and session.stale:
                await mark_seen(conn, session.session_id)
        if session:
            return session
    return None


def _stranger(request: Request, wanted: str, path: str) -> Response:
    """A person is led to the sign-in page, and back afterwards; a program is told."""
    is_page = "text/html" in request.headers.get("Accept", "") and "HX-Request" not in request.headers
    reads = request.headers.get("X-Forwarded-Method", "GET").upper() in {"GET", "HEAD"}
    for_programs = "/api/" in path or "/fragments/" in path
    problem = {
        "type": "urn:gemba:problem:not_signed_in",
        "title": "Not signed in",
        "status": 401,
        "code": "not_signed_in",
        "detail": _NOT_SIGNED_IN,
    }
    if is_page and not for_programs:
        if reads:
            return RedirectResponse(sign_in_address(wanted), 302)
        return render(request, "problem.html", status=401, problem=problem)
    return JSONResponse(problem, 401, {"WWW-Authenticate": 'Bearer realm="gemba"'}, PROBLEM_JSON)
