"""Around every request: who it belongs to, how long it took, what the browser may do with it.

Pure ASGI. Context is cleared before and put back after, so that nothing bound for one request
shows up in the lines of the next.

The access log names the route's template and ids, never the path or the query as sent: one-tap
tokens and sign-in links stand there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import telemetry
from shared.logging import bind_for, get_logger
from shared.web import problems

CORRELATION_HEADER: Final = "X-Correlation-Id"
_CORRELATION_NAME: Final = CORRELATION_HEADER.lower().encode()
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)
_SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
}
_STRICT_TRANSPORT: Final = "max-age=31536000"
_NOTHING_KEPT: Final = [(b"cache-control", b"no-store")]
_SAFE_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NOT_WORTH_A_LINE: Final = frozenset({"/livez", "/readyz", "/metrics", "/status", "/directory/forward-auth"})

_log = get_logger("gemba.access")


class RequestContext:
    """Correlation id, trace, access log and metrics of each request; the outermost layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        with telemetry.tracing(headers.get("traceparent")) as traceparent:
            given = headers.get(CORRELATION_HEADER, "")
            known = _SAFE_ID.fullmatch(given) is not None
            correlation_id = given if known else telemetry.correlation_id_of(traceparent)
            scope.setdefault("state", {})["correlation_id"] = correlation_id
            with bind_for(correlation_id=correlation_id):
                await self._measured(scope, receive, send, correlation_id)

    async def _measured(self, scope: Scope, receive: Receive, send: Send, correlation_id: str) -> None:
        started_at = time.monotonic()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (_CORRELATION_NAME, correlation_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            _record(scope, status, time.monotonic() - started_at)


def _record(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    route = route_template(scope)
    telemetry.HTTP_REQUESTS.labels(method, route, str(status)).inc()
    telemetry.HTTP_SECONDS.labels(method, route).observe(seconds)
    quiet = route in _NOT_WORTH_A_LINE or "/static/" in route
    person = getattr(scope.get("state", {}).get("identity"), "person_id", None)
    ids = {
        name: str(value) for name, value in scope.get("path_params", {}).items() if name == "id" or name.endswith("_id")
    }
    (_log.debug if quiet else _log.info)(
        "request",
        method=method,
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
        asked_by=person,  # not `person_id`: an address may name one of its own
        **ids,
    )


def route_template(scope: Mapping[str, Any]) -> str:
    """Return the template of the matched route (`/visits/{visit_id}`), or `unmatched`.

    A route knows its path without the prefixes of the routers around it; what stands in front
    is taken from the request, with the values of path parameters put back into their names.
    """
    own = getattr(scope.get("route"), "path", None)
    if own is None:
        return "unmatched"
    if own.endswith(":path}"):
        return str(own)
    asked, template = scope["path"].split("/"), own.lstrip("/").split("/")
    names = {str(value): f"{{{name}}}" for name, value in scope.get("path_params", {}).items()}
    front = [names.get(part, part) for part in asked[: len(asked) - len(template)]]
    return "/".join([*front, *template])


class SecurityHeaders:
    """Says to the browser what a page may do: nothing from elsewhere, nothing inline, no frames."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        headers = _SECURITY_HEADERS | ({"Strict-Transport-Security": _STRICT_TRANSPORT} if https else {})
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._names = frozenset(name for name, _ in self._headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [header for header in message["headers"] if header[0] not in self._names]
                # Pages show people and cases: nothing is kept unless its route says so.
                kept = [] if any(name == b"cache-control" for name, _ in given) else _NOTHING_KEPT
                message["headers"] = [*given, *self._headers, *kept]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class AnswerErrors:
    """The last net: whatever is raised becomes an answer, and a bug shows no stack to the caller."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception as raised:
            if started:
                raise
            response = problems.answer(Request(scope, receive), raised)
            await response(scope, receive, send)
