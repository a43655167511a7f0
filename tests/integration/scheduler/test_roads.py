"""A country's roads from a table: plans drive by it, its faults are told with their cell, what it lacks is estimated."""

from __future__ import annotations

import json
from typing import Any

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
