"""A burst is answered in time or told when to come again, and never more at once than a service can hold."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from shared.web.middleware import AnswerErrors
from shared.web.shedding import Places, Shedding


class Desk:
    """Answers one request in 20 ms, and counts how many it holds."""

    def __init__(self, **limits: float) -> None:
        self.held = self.most = 0
        self.opens = asyncio.Event()
        routes = [Route("/work", self.work), Route("/livez", self.live)]
        self.app = Starlette(routes=routes, middleware=[Middleware(AnswerErrors), Middleware(Shedding, **limits)])
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://desk")

    async def work(self, request: Request) -> PlainTextResponse:
        self.held += 1
        self.most = max(self.most, self.held)
        try:
            await self.opens.wait()
            return PlainTextResponse("done")
        finally:
            self.held -= 1

    async def live(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("alive")


async def test_a_burst_gets_answers_or_a_time_to_come_again_and_memory_stays_bounded() -> None:
    desk = Desk(at_once=4, waiting=8, patience_seconds=30)
    burst = [asyncio.create_task(desk.client.get("/work")) for _ in range(120)]
    while sum(task.done() for task in burst) < 120 - 4 - 8:
        await asyncio.sleep(0.01)
    assert (await desk.client.get("/livez")).text == "alive", "whoever asks whether it lives is never turned away"
    desk.opens.set()
    answers = await asyncio.gather(*burst)
    assert Counter(answer.status_code for answer in answers) == {200: 12, 503: 108}
    assert desk.most == 4
    turned_away = next(answer for answer in answers if answer.status_code == 503)
    assert turned_away.headers["Retry-After"] == "1"
    assert turned_away.json()["code"] == "overloaded"


async def test_whoever_waits_too_long_is_told_to_come_again_and_leaves_no_place_taken() -> None:
    desk = Desk(at_once=1, waiting=8, patience_seconds=0.05)
    first = asyncio.create_task(desk.client.get("/work"))
    while not desk.held:
        await asyncio.sleep(0.01)
    assert (await desk.client.get("/work")).status_code == 503
    desk.opens.set()
    assert (await first).status_code == 200
    assert (await desk.client.get("/work")).status_code == 200


async def test_a_service_that_answers_late_takes_in_fewer_at_once_and_more_again_when_it_is_fast() -> None:
    places = Places(most=24, least=4, in_time_seconds=0.25)

    async def round_of(seconds: float) -> int:
        """As many as may come in at once; all are answered after so long."""
        held = 0
        while not places.all_taken:
            await places.take()
            held += 1
        for _ in range(held):
            places.leave(seconds)
        return held

    assert await round_of(2.0) == 24
    assert await round_of(2.0) < 12, "one round of late answers is enough"
    for _ in range(10):
        await round_of(2.0)
    assert await round_of(0.01) == 4, "and never nobody"
    for _ in range(30):
        await round_of(0.01)
    assert await round_of(0.01) == 24


async def test_one_long_request_among_free_places_takes_no_place_from_others() -> None:
    places = Places(most=4, least=1, in_time_seconds=0.25)
    for _ in range(50):
        await places.take()
        places.leave(30.0)  # a workbook
    for _ in range(4):
        assert not places.all_taken
        await places.take()


@pytest.mark.parametrize("path", ["/livez"])
async def test_health_needs_no_place(path: str) -> None:
    desk = Desk(at_once=1, waiting=0, patience_seconds=0.05)
    busy = asyncio.create_task(desk.client.get("/work"))
    while not desk.held:
        await asyncio.sleep(0.01)
    assert (await desk.client.get(path)).status_code == 200
    desk.opens.set()
    await busy
