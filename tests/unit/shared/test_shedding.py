"""A burst is answered in time or told when to come again, and never more at once than a service can hold."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from types import SimpleNamespace

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


class Crowd:
    """Always more clients than places: whoever is answered asks again at once."""

    def __init__(self, places: Places, clients: int = 40) -> None:
        self._places = places
        self._inside = 0
        self._clients = [asyncio.create_task(self._ask()) for _ in range(clients)]

    async def _ask(self) -> None:
        await self._places.take()
        self._inside += 1

    async def after(self, answers: int, seconds: float) -> int:
        """How many are inside after so many answers, each of which took so long."""
        await asyncio.sleep(0)
        for _ in range(answers):
            self._inside -= 1
            self._places.leave(seconds)
            self._clients.append(asyncio.create_task(self._ask()))
            await asyncio.sleep(0)
        return self._inside

    async def go(self) -> None:
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)


async def test_a_service_begins_with_few_and_takes_in_more_while_it_answers_in_time() -> None:
    crowd = Crowd(Places(most=24, least=4, in_time_seconds=0.25, first=8))
    assert await crowd.after(0, 0.1) == 8
    assert await crowd.after(8, 0.1) == 16
    assert await crowd.after(8, 0.1) == 24
    assert await crowd.after(100, 0.1) == 24
    await crowd.go()


async def test_answers_of_a_quiet_hour_say_nothing_about_how_many_a_crowd_may_be() -> None:
    places = Places(most=24, least=4, in_time_seconds=0.25, first=8)
    for _ in range(500):
        await places.take()
        places.leave(0.01)
    crowd = Crowd(places)
    assert await crowd.after(0, 0.1) == 8
    await crowd.go()


async def test_a_service_that_answers_late_takes_in_fewer_at_once_and_more_again_when_it_is_fast() -> None:
    crowd = Crowd(Places(most=24, least=4, in_time_seconds=0.25, first=24))
    assert await crowd.after(24, 2.0) < 12, "one round of late answers is enough"
    assert await crowd.after(50, 2.0) == 4, "and never nobody"
    assert await crowd.after(50, 0.01) > 8
    assert await crowd.after(300, 0.01) == 24
    await crowd.go()


async def test_late_answers_turn_nobody_away_where_there_is_a_place_for_everybody() -> None:
    places = Places(most=24, least=4, in_time_seconds=0.25, first=8)
    for _ in range(20):  # a replica that was just started: everything takes long the first time
        for _ in range(8):
            await places.take()
        for _ in range(8):
            places.leave(2.0)
    crowd = Crowd(places)
    assert await crowd.after(0, 0.1) == 8
    await crowd.go()


async def test_the_line_is_no_longer_than_patience_reaches() -> None:
    places = Places(most=2, least=2, in_time_seconds=0.25)
    for _ in range(60):
        await places.take()
        places.leave(0.2)
    await places.take()
    await places.take()
    assert places.expected_seconds == pytest.approx(0.1, rel=0.1)
    line = [asyncio.create_task(places.take()) for _ in range(2)]
    await asyncio.sleep(0)
    assert places.expected_seconds > 0.25
    for _ in range(4):
        places.leave(0.2)
    await asyncio.gather(*line)


async def test_who_could_not_be_let_in_in_time_is_told_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = itertools.count(step=100)  # every answer takes 100 s
    monkeypatch.setattr("shared.web.shedding.time", SimpleNamespace(monotonic=lambda: float(next(moments))))
    desk = Desk(at_once=1, least=1, waiting=8, patience_seconds=30, in_time_seconds=1000)
    desk.opens.set()
    for _ in range(10):
        assert (await desk.client.get("/work")).status_code == 200
    desk.opens.clear()
    held = asyncio.create_task(desk.client.get("/work"))
    while not desk.held:
        await asyncio.sleep(0.01)
    answer = await asyncio.wait_for(desk.client.get("/work"), 10)
    assert answer.json()["code"] == "overloaded"
    desk.opens.set()
    assert (await held).status_code == 200


async def test_who_gave_up_in_the_moment_of_being_called_up_leaves_the_place_to_the_next() -> None:
    places = Places(most=1, least=1, in_time_seconds=0.25)
    await places.take()
    first, second = asyncio.create_task(places.take()), asyncio.create_task(places.take())
    await asyncio.sleep(0)
    places.leave(0.01)  # the first is called up …
    first.cancel()  # … and gives up before it knows
    await asyncio.wait_for(second, 5)
    with pytest.raises(asyncio.CancelledError):
        await first
    places.leave(0.01)
    assert not places.all_taken


async def test_who_is_passed_over_in_the_moment_of_giving_up_leaves_the_line_once() -> None:
    places = Places(most=1, least=1, in_time_seconds=1)
    await places.take()
    waiting = asyncio.create_task(places.take())
    await asyncio.sleep(0)
    waiting.cancel()
    places.leave(0.0)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not places.all_taken


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
