"""So many requests at once, so many waiting for a moment, and the rest is told when to come again.

A service that takes in more than it can do answers nobody in time, and grows until it is killed. What is turned away
here has changed nothing: the same request with the same key may be sent again. How many are too many depends on the
machine and on what else it does, so it is found out: places begin few, become more while they are used and answers come
in time, and fewer when answers come late. Who could not be let in before the patience is over is told so at once: a
line in which nobody is served costs what answering would.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from shared import telemetry
from shared.errors import Overloaded

AT_ONCE: Final = 24
"""Twice the connections to the database: while one half waits for it, the other half computes."""
FIRST: Final = 12
LEAST: Final = 4
WAITING: Final = 96
PATIENCE_SECONDS: Final = 0.1
IN_TIME_SECONDS: Final = 0.15
"""Every request is answered by two services, directory first. Together they have half a second (99 of 100)."""
_FEWER: Final = 0.9
_NEWEST: Final = 0.1
"""What an answer counts for in how long answers usually take."""

_NEVER: Final = frozenset({"/livez", "/readyz", "/status", "/metrics"})
_shed = telemetry.counter(
    "gemba_http_shed_total", "Requests that were turned away because too many were being answered."
)


class Places:
    """How many requests may be answered at once: between `least` and `most`, as many as are answered in time."""

    def __init__(self, most: int, least: int, in_time_seconds: float, first: int = FIRST) -> None:
        self._most = most
        self._least = min(least, most)
        self._in_time_seconds = in_time_seconds
        self._allowed = float(max(self._least, min(first, most)))
        self._was_late = False
        self._taken = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._usual_seconds = 0.0

    @property
    def all_taken(self) -> bool:
        return self._taken >= int(self._allowed)

    @property
    def expected_seconds(self) -> float:
        """How long whoever comes now would stand in the line."""
        return (len(self._line) + 1) * self._usual_seconds / self._allowed if self.all_taken else 0.0

    async def take(self) -> None:
        """Return when there is a place, in the order of asking."""
        if not self.all_taken:
            self._taken += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with contextlib.suppress(ValueError):  # passed over in this very moment
                    self._line.remove(turn)
            else:  # called up in the moment in which the patience was over
                self._taken -= 1
                self._call_up()
            raise

    def leave(self, seconds: float) -> None:
        """Give a place back after an answer that took so long; a slow one while nobody waits says nothing about load."""
        # Only places that are used say that there could be more; until one was too many, each may bring another one.
        if seconds <= self._in_time_seconds and self._taken * 2 >= self._allowed:
            self._allowed = min(self._most, self._allowed + (1 / self._allowed if self._was_late else 1))
        elif seconds > self._in_time_seconds and self._line:
            self._was_late = True
            self._allowed = max(self._least, self._allowed * _FEWER)
        # Hours spent on one workbook are no reason to turn everybody away.
        self._usual_seconds += (min(seconds, 4 * self._in_time_seconds) - self._usual_seconds) * _NEWEST
        self._taken -= 1
        self._call_up()

    def _call_up(self) -> None:
        while self._line and not self.all_taken:
            turn = self._line.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)


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
        is_hopeless = self._places.expected_seconds > self._patience_seconds
        if is_hopeless or (self._places.all_taken and self._waiting >= self._most_waiting):
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
