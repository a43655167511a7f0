"""So many requests at once, so many waiting for a moment, and the rest is told when to come again.

A service that takes in more than it can do answers nobody in time, and grows until it is killed. What is turned away
here has changed nothing: the same request with the same key may be sent again.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from shared import telemetry
from shared.errors import Overloaded

AT_ONCE: Final = 24
"""Twice the connections to the database: while one half waits for it, the other half computes."""
WAITING: Final = 96
PATIENCE_SECONDS: Final = 0.4

_NEVER: Final = frozenset({"/livez", "/readyz", "/status", "/metrics"})
_shed = telemetry.counter(
    "gemba_http_shed_total", "Requests that were turned away because too many were being answered."
)


class Shedding:
    """Inside the layer that turns errors into answers."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._app = app
        self._places = asyncio.Semaphore(at_once)
        self._most_waiting = waiting
        self._waiting = 0
        self._patience_seconds = patience_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _NEVER:
            await self._app(scope, receive, send)
            return
        await self._enter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._places.release()

    async def _enter(self) -> None:
        if self._places.locked() and self._waiting >= self._most_waiting:
            _shed.inc()
            raise Overloaded
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._places.acquire()
        except TimeoutError:
            _shed.inc()
            raise Overloaded from None
        finally:
            self._waiting -= 1
