"""Is it alive, is it ready, what is waiting: for supervisors and operators, not for people.

These answer at the root of each service's own port. The web origin forwards only
`/<service>/…`, so they are not reachable from outside and need no identity.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from shared import telemetry
from shared.logging import get_logger

CHECK_LIMIT_SECONDS: Final = 2.0
STALL_LIMIT_SECONDS: Final = 5.0
_STATUS_CHECKS: Final = 5
"""`/status` asks the database and the log several things, and may take as long as so many checks."""
_TICK_SECONDS: Final = 0.5
PROBLEM_JSON: Final = "application/problem+json"

Check = Callable[[], Awaitable[None]]
Status = Callable[[], Awaitable[dict[str, Any]]]
_Tell = Callable[[str, str | None, Exception | None], None]

_log = get_logger(__name__)
_lag = telemetry.gauge("gemba_event_loop_lag_seconds", "How late the event loop ran a timer, at its last tick.")


class LoopWatch:
    """Notices an event loop that stood still: blocking code in it silences every timer.

    A stalled loop cannot answer at all, so the supervisor's time limit catches a standing
    stall; this remembers one that has just ended, and shows the lag as a metric.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._ticked_at: float | None = None

    def tick(self) -> None:
        """Note that the loop is running now."""
        now = self._monotonic()
        if self._ticked_at is not None:
            _lag.set(max(0.0, now - self._ticked_at - _TICK_SECONDS))
        self._ticked_at = now

    def stalled_for(self) -> float:
        """Seconds since the last tick; 0 while not running."""
        return 0.0 if self._ticked_at is None else self._monotonic() - self._ticked_at

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tick in the background for as long as the application runs."""
        task = asyncio.create_task(self._run(), name="loop-watch")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self._ticked_at = None

    async def _run(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(_TICK_SECONDS)


def health_router(
    checks: Mapping[str, Check],
    status: Status,
    *,
    loop_watch: LoopWatch | None = None,
    limit_seconds: float = CHECK_LIMIT_SECONDS,
) -> APIRouter:
    """`/livez`, `/readyz`, `/status` and `/metrics`.

    A check returns when all is well and raises when not; its message is shown, so it names
    what is wrong and no secret.
    """
    router = APIRouter(include_in_schema=False)
    watch = loop_watch or LoopWatch()
    troubles: dict[str, str] = {}

    def tell(name: str, why: str | None, fault: Exception | None) -> None:
        """Into the log when it changes: whoever starts a service asks many times a second."""
        if why is None:
            troubles.pop(name, None)
        elif troubles.get(name) != why:
            troubles[name] = why
            _log.warning("readiness check failed", check=name, reason=why, exc_info=fault)

    @router.get("/livez")
    async def livez() -> Response:
        stalled = watch.stalled_for()
        if stalled > STALL_LIMIT_SECONDS:
            return _problem("stalled", f"The event loop stood still for {stalled:.1f} s.", {})
        return JSONResponse({"status": "alive"})

    @router.get("/readyz")
    async def readyz() -> Response:
        results = await asyncio.gather(
            *(_failure_of(name, check, limit_seconds, tell) for name, check in checks.items())
        )
        failures = {name: why for name, why in results if why is not None}
        if failures:
            names = ", ".join(sorted(failures))
            return _problem("not_ready", f"Not ready: {names}.", failures)
        return JSONResponse({"status": "ready", "checks": sorted(checks)})

    @router.get("/status")
    async def show_status() -> Response:
        limit = limit_seconds * _STATUS_CHECKS
        try:
            async with asyncio.timeout(limit):
                return JSONResponse(await status())
        except TimeoutError:
            return _problem("status_late", f"What waits could not be told within {limit:g} s: try again.", {})

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(telemetry.metrics_text(), media_type=telemetry.METRICS_CONTENT_TYPE)

    return router


async def _failure_of(name: str, check: Check, limit_seconds: float, tell: _Tell) -> tuple[str, str | None]:
    why: str | None = None
    fault: Exception | None = None
    try:
        async with asyncio.timeout(limit_seconds):
            await check()
    except TimeoutError:
        why = f"no answer within {limit_seconds:g} s"
    except Exception as failed:
        lines = str(failed).splitlines()
        why, fault = lines[0] if lines else type(failed).__name__, failed
    tell(name, why, fault)
    return name, why


def _problem(code: str, detail: str, failures: Mapping[str, str]) -> JSONResponse:
    content: dict[str, Any] = {
        "type": f"urn:gemba:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": 503,
        "code": code,
        "detail": detail,
        "errors": [
            {"field": name, "message": why, "expected": "an answer in time"} for name, why in sorted(failures.items())
        ],
    }
    return JSONResponse(content, 503, {"Retry-After": "2"}, PROBLEM_JSON)
