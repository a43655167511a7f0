"""What is refused before any route sees it: a forged request and one that is too large.

Invariant: no browser can be made by another site to act with its user's session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth import optional_identity
from shared.errors import Rejected

DEFAULT_BODY_BYTES: Final = 1_048_576
_READ_OUT_BYTES: Final = 12 * 1024 * 1024
"""As much as the web origin lets through."""
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class SameOriginOnly:
    """Fetch Metadata check on methods that change something.

    A browser says where a request comes from (`Sec-Fetch-Site`) and no script can lie about it.
    Without that header the caller is an old browser, whose `Origin` must then be ours, or no
    browser at all: it has no cookies, or it came with a Bearer token.
    """

    def __init__(self, app: ASGIApp, *, origin: str) -> None:
        self._app = app
        self._origin = origin.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE_METHODS:
            self._check(Request(scope, receive))
        await self._app(scope, receive, send)

    def _check(self, request: Request) -> None:
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            allowed = site in {"same-origin", "none"}
        elif "origin" in request.headers:
            allowed = request.headers["origin"] == self._origin
        elif "cookie" not in request.headers:
            allowed = True
        else:
            found = optional_identity(request)
            allowed = found is not None and found.kind == "token"
        if not allowed:
            raise Rejected(
                "cross_site",
                403,
                "This came from another site and was refused. Open Gemba itself and do it there.",
            )


class BodyTooLarge(HTTPException):
    """The body is over the limit. An HTTPException, because FastAPI turns anything else that is
    raised while it reads a body into a 400.
    """

    def __init__(self) -> None:
        super().__init__(413)


class BodyLimit:
    """Refuses a body at a limit, whether or not its length was declared.

    The rest is read and dropped first, within bounds: whoever is still sending when the connection is closed sees a
    broken line instead of the answer.
    """

    def __init__(self, app: ASGIApp, *, limit: int = DEFAULT_BODY_BYTES, larger: Mapping[str, int]) -> None:
        """`larger` gives path prefixes that take more (an upload), in bytes."""
        self._app = app
        self._limit = limit
        self._larger = dict(larger)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_for(scope["path"])
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > limit:
            await _read_out(receive)
            raise BodyTooLarge
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                if message.get("more_body"):
                    await _read_out(receive)
                raise BodyTooLarge
            return message

        await self._app(scope, receive_within_limit, send)

    def _limit_for(self, path: str) -> int:
        fitting = (size for prefix, size in self._larger.items() if path.startswith(prefix))
        return max(fitting, default=self._limit)


async def _read_out(receive: Receive) -> None:
    dropped, more = 0, True
    while more and dropped <= _READ_OUT_BYTES:
        message = await receive()
        dropped += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)
