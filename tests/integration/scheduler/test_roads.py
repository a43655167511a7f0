"""A country's roads from a table: plans drive by it, its faults are told with their cell, what it lacks is estimated."""

from __future__ import annotations

import json
from typing import Any

from services.scheduler.storage.roads import get_roads_between
from shared.db import transaction

from .conftest import Programme


async def everywhere(bd: Programme) -> list[tuple[str, float, float]]:
    """Keys and positions of all sites and homes."""
    rows = await bd.pool.fetch(
        "select key_name, latitude, longitude from enterprises union all "
        "select person_key, latitude, longitude from trainers order by 1"
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def table(bd: Programme, near: str) -> dict[str, Any]:
    """Everybody needs five hours to anywhere, but one trainer ten minutes; a place that several share is there once."""
    places = {(lat, lon): key for key, lat, lon in await everywhere(bd)}
    keys = list(places.values())
    minutes = [[0 if a == b else 10 if near in (a, b) else 300 for b in keys] for a in keys]
    return {"places": [{"lat": lat, "lon": lon} for lat, lon in places], "minutes": minutes, "km": minutes}


async def put(bd: Programme, roads: Any, key: str = "", **who: Any) -> Any:
    async with bd.client(**who) as client:
        headers = {"Idempotency-Key": key or json.dumps(roads)[:40] + "-key-of-the-test"}
        return await client.put("/api/roads", json={"country": "BD", "roads": roads}, headers=headers)


async def test_a_plan_drives_by_the_table_and_by_estimates_again_when_it_is_gone(bd: Programme) -> None:
    assert (await bd.get("/api/roads?country=BD")).json()["source"] == "estimate"
    answer = await put(bd, await table(bd, "BD-T3"))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["source"], answer.json()["estimated"]) == ("table", 0)
    cohort_id = await bd.create()
    await bd.plan_all()
    plan = (await bd.get(f"/api/cohorts/{cohort_id}/plan")).json()
    assert plan["parts"]["km"] % 10 == 0
    assert (await put(bd, None)).json()["source"] == "estimate"
    other = await bd.create(enterprise_keys=["BD-E4", "BD-E5"])
    await bd.plan_all()
    assert (await bd.get(f"/api/cohorts/{other}/plan")).json()["parts"]["km"] % 10 != 0


async def test_what_is_wrong_is_told_with_its_cell_and_the_table_before_stays(bd: Programme) -> None:
    good = await table(bd, "BD-T1")
    assert (await put(bd, good)).status_code == 200
    bad = json.loads(json.dumps(good))
    bad["minutes"][1][0] = -5
    answer = await put(bd, bad, key="another-key")
    assert (answer.status_code, answer.json()["code"]) == (422, "roads_have_errors")
    assert "minutes[1][0]: -5 is below 0" in answer.json()["detail"]
    assert (await bd.get("/api/roads?country=BD")).json()["places"] == len(good["places"])
    assert (await put(bd, good, key="foreign-key", countries=("PE",))).status_code == 404


async def test_who_came_after_the_table_is_named_and_planned_for_by_estimates(bd: Programme) -> None:
    await put(bd, await table(bd, "BD-T1"))
    await bd.know_enterprise("BD-E9", latitude=24.9, longitude=91.9)
    shown = (await bd.get("/api/roads?country=BD")).json()
    assert (shown["estimated"], shown["without_row"]) == (1, ["BD-E9"])
    cohort_id = await bd.create(enterprise_keys=["BD-E1", "BD-E9"])
    await bd.plan_all()
    assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["state"] == "planned"


AS_BEFORE = """
    insert into roads (country, places, document, changed_at) values ($1, 3, $2, now())
    on conflict (country) do update set document = excluded.document
"""
"""What the version before writes: it knows of no rows."""


async def test_of_a_table_only_the_rows_of_a_question_are_read(bd: Programme) -> None:
    places = [{"lat": 10.123455, "lon": 106.5}, {"lat": 11.0, "lon": 106.0}, {"lat": 12.0, "lon": 106.0}]
    minutes: list[list[float | None]] = [[0, 1.5, 2], [3, 0, None], [4, 5, 0]]
    for km in (None, [[0, 10, 20], [30, 0, 40], [50, 60, 0]]):
        async with transaction(bd.pool) as conn:
            await conn.execute(AS_BEFORE, "BD", {"places": places, "minutes": minutes, "km": km})
            asked = [(12.0, 106.0), (50.0, 8.0), (10.123455, 106.5), (12.000001, 106.0)]
            found = await get_roads_between(conn, "BD", asked)
            one = await get_roads_between(conn, "BD", [(11.0, 106.0)])
            none = await get_roads_between(conn, "BD", [(50.0, 8.0)])
        assert found is not None
        assert found["places"] == [places[0], places[2]]
        assert [list(row) for row in found["minutes"]] == [[0, 2], [4, 0]]
        assert [list(row) for row in found.get("km", [])] == ([[0, 20], [50, 0]] if km else [])
        assert one is not None
        assert [list(row) for row in one["minutes"]] == [[0]]
        assert none == {"places": [], "minutes": []}
    async with transaction(bd.pool) as conn:
        await conn.execute("delete from roads")
        assert await get_roads_between(conn, "BD", [(11.0, 106.0)]) is None
        assert await conn.fetchval("select count(*) from road_rows") == 0
