"""So many requests at once, so many waiting for a moment, and the rest is told when to come again.

A service that takes in more than it can do answers nobody in time, and grows until it is killed. What is turned away
here has changed nothing: the same request with the same key may be sent again. How many are too many depends on the
machine and on what else it does: answers that come late while every place is taken make places fewer, answers in time
make them more again.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from shared import telemetry
from shared.errors import Overloaded

AT_ONCE: Final = 24
"""Twice the connections to the database: while one half waits for it, the other half computes."""
LEAST: Final = 4
WAITING: Final = 96
PATIENCE_SECONDS: Final = 0.25
IN_TIME_SECONDS: Final = 0.25
"""Together with the patience half a second, which is what whoever is answered waits at most (99 of 100)."""
_FEWER: Final = 0.9

_NEVER: Final = frozenset({"/livez", "/readyz", "/status", "/metrics"})
_shed = telemetry.counter(
    "gemba_http_shed_total", "Requests that were turned away because too many were being answered."
)


class Places:
    """How many requests may be answered at once: between `least` and `most`, as many as are answered in time."""

    def __init__(self, most: int, least: int, in_time_seconds: float) -> None:
        self._most = most
        self._least = min(least, most)
        self._in_time_seconds = in_time_seconds
        self._allowed = float(most)
        self._free = asyncio.Semaphore(most)
        self._withheld = 0

    @property
    def all_taken(self) -> bool:
        return self._free.locked()

    async def take(self) -> None:
        await self._free.acquire()

    def leave(self, seconds: float) -> None:
        """Give a place back after an answer that took so long; a slow one among free places says nothing about load."""
        if seconds <= self._in_time_seconds:
            self._allowed = min(self._most, self._allowed + 1 / self._allowed)
        elif self.all_taken:
            self._allowed = max(self._least, self._allowed * _FEWER)
        to_withhold = self._most - int(self._allowed)
        if self._withheld < to_withhold:
            self._withheld += 1
            return
        self._free.release()
        while self._withheld > to_withhold:
            self._withheld -= 1
            self._free.release()


class Shedding:
    """Inside the layer that turns errors into answers."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        at_once: int = AT_ONCE,
        least: int = LEAST,
        waiting: int = WAITING,
        patience_seconds: float = PATIENCE_SECONDS,
        in_time_seconds: float = IN_TIME_SECONDS,
    ) -> None:
        self._app = app
        self._places = Places(at_once, least, in_time_seconds)
        self._most_waiting = waiting
        self._waiting = 0
        self._patience_seconds = patience_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _NEVER:
            await self._app(scope, receive, send)
            return
        await self._enter()
        began = time.monotonic()
        try:
            await self._app(scope, receive, send)
        finally:
            self._places.leave(time.monotonic() - began)

    async def _enter(self) -> None:
        if self._places.all_taken and self._waiting >= self._most_waiting:
            _shed.inc()
            raise Overloaded
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._places.take()
        except TimeoutError:
            _shed.inc()
            raise Overloaded from None
        finally:
            self._waiting -= 1
