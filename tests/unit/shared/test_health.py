"""Ready means that every check answered in time; not ready names what is missing."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from shared.health import STALL_LIMIT_SECONDS, Check, LoopWatch, Status, health_router

pytestmark = pytest.mark.asyncio


async def fine() -> None:
    """A check that passes."""


async def broken() -> None:
    message = "PostgreSQL does not answer at 127.0.0.1:5432\nDETAIL: password"
    raise ConnectionError(message)


async def hanging() -> None:
    await asyncio.Event().wait()


async def status() -> dict[str, Any]:
    return {"waiting": {"outbox": 0}}


async def ask(
    path: str,
    checks: Mapping[str, Check],
    watch: LoopWatch | None = None,
    *,
    status: Status = status,
    limit_seconds: float = 60,
) -> httpx.Response:
    """`limit_seconds` is short only for what never answers: on a busy machine everything else may be late."""
    app = FastAPI()
    app.include_router(health_router(checks, status, loop_watch=watch, limit_seconds=limit_seconds))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        return await client.get(path)


async def test_ready_when_every_check_passes() -> None:
    response = await ask("/readyz", {"database": fine, "kafka": fine})
    assert response.status_code == 200
    assert response.json()["checks"] == ["database", "kafka"]


async def test_not_ready_names_what_is_not_and_why_without_details() -> None:
    async with asyncio.timeout(60):  # it would hang for ever, and the check's own limit is far below
        response = await ask("/readyz", {"database": broken, "kafka": hanging, "keys": fine}, limit_seconds=0.05)
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["detail"] == "Not ready: database, kafka."
    assert {error["field"]: error["message"] for error in problem["errors"]} == {
        "database": "PostgreSQL does not answer at 127.0.0.1:5432",
        "kafka": "no answer within 0.05 s",
    }
    assert "password" not in response.text


async def test_why_it_is_not_ready_is_logged_when_it_changes_and_not_at_each_question() -> None:
    reasons = iter(["starting", "starting", "starting", "no broker", "", "no broker"])

    async def check() -> None:
        if reason := next(reasons):
            raise ConnectionError(reason)

    app = FastAPI()
    app.include_router(health_router({"log": check}, status, limit_seconds=60))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        with capture_logs() as logged:
            codes = [(await client.get("/readyz")).status_code for _ in range(6)]
    assert codes == [503, 503, 503, 503, 200, 503]
    assert [line["reason"] for line in logged] == ["starting", "no broker", "no broker"]


async def test_a_check_that_hangs_does_not_make_the_process_look_dead() -> None:
    assert (await ask("/livez", {"kafka": hanging})).status_code == 200


async def test_a_loop_that_stood_still_is_not_alive() -> None:
    now = 100.0
    watch = LoopWatch(lambda: now)
    watch.tick()
    now += STALL_LIMIT_SECONDS
    assert (await ask("/livez", {}, watch)).status_code == 200
    now += 0.1
    response = await ask("/livez", {}, watch)
    assert response.status_code == 503
    assert "stood still for 5.1 s" in response.json()["detail"]
    watch.tick()
    assert (await ask("/livez", {}, watch)).status_code == 200


async def test_the_watch_ticks_while_it_runs_and_stops_after() -> None:
    watch = LoopWatch()
    async with watch.running():
        await asyncio.sleep(0)
        assert 0 < watch.stalled_for() < STALL_LIMIT_SECONDS
    assert watch.stalled_for() == 0


async def test_what_waits_is_told_in_time_or_when_to_ask_again() -> None:
    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    response = await ask("/status", {}, status=never, limit_seconds=0.05)
    assert (response.status_code, response.json()["code"]) == (503, "status_late")
    assert response.headers["retry-after"] == "2"


async def test_status_and_metrics_are_shown() -> None:
    assert (await ask("/status", {})).json() == {"waiting": {"outbox": 0}}
    metrics = await ask("/metrics", {})
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "process_resident_memory_bytes" in metrics.text
