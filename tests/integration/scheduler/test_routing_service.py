"""A country's roads from a routing service: asked by itself, in blocks, again when a place is new; the real engine answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.scheduler.routing import RoutingRefused, ask_table
from services.scheduler.settings import Settings
from services.scheduler.storage.roads import get_roads_between
from shared.db import transaction
from shared.errors import Transient
from tests.harness.osrm import draw_map, running_osrm
from tests.unit.planner.test_document import SMALL, gemba

from .conftest import Programme

STREET = {"highway": "primary"}
LATITUDES = [round(23.74 + n / 100, 2) for n in range(13)]
LONGITUDES = [round(90.34 + n / 100, 2) for n in range(9)]
RIVER = 23.815
"""Streets end here; the bridge is in the west."""
MOST = 6
"""Places in one question to this engine: far fewer than it is asked for at first."""


def a_town() -> str:
    """Streets a hundredth of a degree apart, a river with one bridge, and a northern street that goes east only."""
    rows = [([(lat, lon) for lon in LONGITUDES], STREET) for lat in LATITUDES[:-1]]
    north = ([(LATITUDES[-1], lon) for lon in LONGITUDES], STREET | {"oneway": "yes"})
    columns = []
    for lon in LONGITUDES:
        banks = ([lat for lat in LATITUDES if lat < RIVER], [lat for lat in LATITUDES if lat > RIVER])
        parts = [LATITUDES] if lon == LONGITUDES[0] else banks
        columns += [([(lat, lon) for lat in part], STREET) for part in parts]
    return draw_map([*rows, north, *columns])


@pytest.fixture(scope="module")
def osrm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_osrm(tmp_path_factory.mktemp("osrm"), a_town(), most=MOST) as url:
        yield url


async def wants(bd: Programme, url: str, source: str = "service") -> Any:
    """A coordinator wants the country's roads from the service at that address."""
    bd.settings.routing_url = url
    async with bd.client() as client:
        body = {"country": "BD", "roads": None, "source": source}
        return await client.put("/api/roads", json=body, headers={"Idempotency-Key": str(uuid4())})


async def shown(bd: Programme) -> dict[str, Any]:
    told: dict[str, Any] = (await bd.get("/api/roads?country=BD")).json()
    return told


async def later(bd: Programme) -> None:
    """Whatever the queue puts off is due now."""
    await bd.pool.execute("update planning_jobs set not_before = null")
    await bd.plan_all()


async def km_by_route(url: str, start: tuple[float, float], end: tuple[float, float]) -> float:
    """The engine's own answer for one way: another of its services than the one under test."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{url}/route/v1/driving/{start[1]},{start[0]};{end[1]},{end[0]}")
    return float(answer.json()["routes"][0]["distance"]) / 1_000


async def test_plans_drive_by_the_roads_that_the_service_knows(bd: Programme, osrm: str) -> None:
    answer = await wants(bd, osrm)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["source"], answer.json()["asking"], answer.json()["places"]) == ("service", True, 0)
    await bd.plan_all()
    told = await shown(bd)
    assert (told["source"], told["asking"], told["trouble"], told["estimated"]) == ("service", False, "", 0)
    assert told["places"] == told["needed"] == 9
    south, north = (23.81, 90.40), (23.82, 90.37)
    async with transaction(bd.pool) as conn:
        table = await get_roads_between(conn, "BD", [south, north])
    assert table is not None
    km = await km_by_route(osrm, south, north)
    assert table["km"][0][1] == pytest.approx(km, abs=0.01)
    assert km > 9, "over the bridge: as the crow flies it is 3.2"
    cohort_id = await bd.create()
    await bd.plan_all()
    by_road = (await bd.get(f"/api/cohorts/{cohort_id}/plan")).json()
    assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["state"] == "planned"
    assert (await wants(bd, osrm, source="given")).json()["source"] == "estimate"
    other = await bd.create(enterprise_keys=["BD-E4", "BD-E5"])
    await bd.plan_all()
    assert by_road["parts"]["km"] > (await bd.get(f"/api/cohorts/{other}/plan")).json()["parts"]["km"] > 0


async def test_there_and_back_may_differ_and_what_is_on_no_map_has_no_roads(osrm: str) -> None:
    west, east, elsewhere = (23.86, 90.34), (23.86, 90.42), (24.9, 91.9)
    told = await ask_table(osrm, [west, elsewhere, east])
    assert told["km"][0][2] == pytest.approx(8.15, abs=0.1)
    assert told["km"][2][0] == pytest.approx(8.15 + 2 * 1.11, abs=0.1), "the northern street goes east only"
    assert told["minutes"][2][0] > told["minutes"][0][2] > 0
    assert [told["km"][1][n] for n in (0, 2)] == [told["minutes"][1][n] for n in (0, 2)] == [None, None]
    assert [told["km"][n][1] for n in (0, 2)] == [None, None]
    assert (await ask_table(osrm, [west]))["km"] == [[0.0]]


async def test_a_new_place_is_asked_for_by_itself(bd: Programme, osrm: str) -> None:
    await wants(bd, osrm)
    await bd.plan_all()
    await bd.know_enterprise("BD-E1", latitude=23.80, longitude=90.35, working_weekdays=(1, 2))
    assert not (await shown(bd))["asking"], "nothing moved"
    await bd.know_enterprise("BD-E8", latitude=23.775, longitude=90.36)
    await bd.know_enterprise("BD-E9", latitude=24.9, longitude=91.9)
    assert (await shown(bd))["asking"]
    await later(bd)
    told = await shown(bd)
    assert (told["places"], told["estimated"], told["without_row"]) == (11, 1, ["BD-E9"]), (
        "far from every road it knows"
    )
    await bd.know_enterprise("BD-E9", latitude=24.9, longitude=91.9)
    assert not (await shown(bd))["asking"], "it was asked for, and is not on the map"


async def test_a_service_that_does_not_answer_is_asked_again_and_the_roads_of_before_stay(
    bd: Programme, osrm: str
) -> None:
    await wants(bd, osrm)
    await bd.plan_all()
    bd.settings.routing_url = "http://127.0.0.1:1"
    await bd.know_enterprise("BD-E8", latitude=23.775, longitude=90.36)
    await later(bd)
    told = await shown(bd)
    assert "does not answer" in told["trouble"]
    assert (told["asking"], told["places"], told["without_row"]) == (True, 9, ["BD-E8"])
    cohort_id = await bd.create(enterprise_keys=["BD-E1", "BD-E8"])
    await bd.plan_all()
    assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["state"] == "planned", "nobody waits for it"
    bd.settings.routing_url = osrm
    await later(bd)
    told = await shown(bd)
    assert (told["trouble"], told["asking"], told["places"]) == ("", False, 10)


async def test_what_the_service_refuses_is_told_in_its_words(bd: Programme, osrm: str) -> None:
    await wants(bd, f"{osrm}/v5")
    await bd.plan_all()
    told = await shown(bd)
    assert (told["asking"], told["places"]) == (False, 0)
    assert "InvalidUrl" in told["trouble"]


async def test_an_answer_that_comes_when_nobody_wants_it_any_more_is_not_kept(bd: Programme, osrm: str) -> None:
    await wants(bd, osrm)
    planner = bd.deps.planner

    async def meanwhile(*asked: Any) -> Any:
        await wants(bd, osrm, source="given")
        return await planner(*asked)

    object.__setattr__(bd.deps, "planner", meanwhile)
    await bd.plan_all()
    assert ((await shown(bd))["source"], (await shown(bd))["places"]) == ("estimate", 0)


async def test_without_a_service_none_can_be_wanted(bd: Programme) -> None:
    answer = await wants(bd, "")
    assert (answer.status_code, answer.json()["code"]) == (422, "no_routing_service")
    assert "GEMBA_ROUTING_URL" in answer.json()["detail"]


async def test_what_is_no_routing_service_is_told_from_one_that_is_away() -> None:
    async def answers(body: bytes) -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            await ask_table(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", [(23.8, 90.4), (23.9, 90.4)])

    for body in (
        b"<html>",
        b"[]",
        b'{"code":"Ok"}',
        b'{"code":"Ok","sources":[],"destinations":[],"durations":[],"distances":[]}',
    ):
        with pytest.raises(RoutingRefused, match="not as OSRM's table service"):
            await answers(body)
    with pytest.raises(Transient, match="does not answer"):
        await ask_table("http://127.0.0.1:1", [(23.8, 90.4), (23.9, 90.4)])


def test_the_planner_on_files_asks_it_too(osrm: str, tmp_path: Path) -> None:
    document = json.loads(SMALL.read_text())
    for n, one in enumerate(document["trainers"]):
        one["home"] = {"lat": LATITUDES[n], "lon": LONGITUDES[n]}
    for n, one in enumerate(document["enterprises"]):
        one["position"] = {"lat": LATITUDES[-2 - n // 3], "lon": LONGITUDES[n % 3]}
    at = [
        tuple(one.values())
        for one in ([t["home"] for t in document["trainers"]] + [e["position"] for e in document["enterprises"]])
    ]
    (tmp_path / "town.json").write_text(json.dumps(document))
    (tmp_path / "roads.json").write_text(json.dumps(asyncio.run(ask_table(osrm, at))))
    budget = ("--work", "0.05")
    code, asked = gemba("solve", tmp_path / "town.json", *budget, "--travel", osrm)
    assert (code, asked["violations"]) == (0, [])
    given = gemba("solve", tmp_path / "town.json", *budget, "--travel", tmp_path / "roads.json")[1]
    assert asked["placements"] == given["placements"]
    assert asked["parts"]["km"] != gemba("solve", tmp_path / "town.json", *budget)[1]["parts"]["km"]
    code, told = gemba("solve", tmp_path / "town.json", "--travel", "http://127.0.0.1:1")
    assert (code, "does not answer" in told["error"]["message"]) == (1, True)


@pytest.mark.parametrize("url", ["osrm.example", "ftp://osrm.example", "http://", "http://osrm.example/?key=1"])
def test_an_address_that_cannot_be_meant_ends_the_start(tmp_path: Path, url: str) -> None:
    told = {"database_url": "postgresql://unused", "kafka_bootstrap": "unused", "kafka_user": "scheduler"}
    rest = {"kafka_password": "unused", "http_port": 1, "origin": "http://gemba.test", "keys_dir": tmp_path}
    with pytest.raises(ValueError, match="OSRM"):
        Settings.model_validate(told | rest | {"routing_url": url})
    assert Settings.model_validate(told | rest | {"routing_url": "http://osrm.example/v5/"}).routing_url.endswith("/v5")
