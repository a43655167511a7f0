"""The scheduler's sheets are taken whole or not at all, and every fault is named by sheet, row and column."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from .conftest import STAGE_SHEET, TRAINER_SHEET, Programme, programme, workbook


def counts(answer: Any) -> dict[str, tuple[int, int, int, int]]:
    return {
        one["sheet"]: (one["rows"], one["new"], one["changed"], one["unchanged"]) for one in answer.json()["sheets"]
    }


async def test_a_dry_run_counts_and_changes_nothing(bare: Programme) -> None:
    for number in range(1, 5):
        await bare.know_trainer(f"BD-T{number}")
    data = workbook(**programme())
    dry = await bare.upload(data, dry_run=True)
    assert dry.status_code == 200
    assert counts(dry) == {
        "modules": (2, 2, 0, 0),
        "stages": (4, 4, 0, 0),
        "trainers": (4, 4, 0, 0),
        "certificates": (4, 4, 0, 0),
        "leave": (1, 1, 0, 0),
        "holidays": (1, 1, 0, 0),
    }
    assert (await bare.get("/api/modules")).json()["items"] == []
    assert counts(await bare.upload(data)) == counts(dry)
    again = counts(await bare.upload(data))
    assert all(rows == unchanged for rows, _, _, unchanged in again.values())
    plans = (await bare.get("/api/delivery-plans?module=WC")).json()["items"]
    assert [plan["version"] for plan in plans] == [1]


async def test_a_changed_stage_is_a_new_version_and_open_cohorts_keep_theirs(bd: Programme) -> None:
    cohort_id = await bd.create()
    sheets = programme()
    sheets["stages"] = sheets["stages"][:-1]
    assert (await bd.upload(workbook(**sheets))).status_code == 200
    (plan,) = (await bd.get("/api/delivery-plans?module=WC")).json()["items"]
    assert (plan["name"], len(plan["stages"])) == ("WC/all/2", 3)
    await bd.plan_all()
    assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["figures"]["visits"] == 10
    newer = await bd.create(enterprise_keys=["BD-E4", "BD-E5"])
    assert (await bd.get(f"/api/cohorts/{newer}")).json()["figures"]["visits"] == 5


async def test_people_of_the_same_workbook_count_as_known(bare: Programme) -> None:
    sheets = programme(1) | {
        "people": [("key", "name", "country", "roles", "zone"), ("BD-T1", "Rina Das", "BD", "trainer", "Asia/Dhaka")],
    }
    assert (await bare.upload(workbook(**sheets), countries=("BD",))).status_code == 200


BAD: list[tuple[str, list[tuple[Any, ...]], str, int, str]] = [
    ("trainers", [TRAINER_SHEET, ("BD-T9", 23, 90, "D", "", 2, 4, "")], "unknown_person", 2, "person"),
    ("trainers", [TRAINER_SHEET, ("PE-T1", 23, 90, "D", "", 2, 4, "")], "unknown_person", 2, "person"),
    ("trainers", [TRAINER_SHEET, ("BD-T1", 123, 90, "D", "", 2, 4, "")], "out_of_range", 2, "home_latitude"),
    ("trainers", [TRAINER_SHEET, ("BD-T1", 23, 90, "D", "Foo", 2, 4, "")], "not_weekdays", 2, "working_weekdays"),
    ("trainers", [TRAINER_SHEET, ("BD-T1", 23, 90, "D", "", 2, 4, "XX")], "unknown_enterprise", 2, "conflicts"),
    (
        "trainers",
        [TRAINER_SHEET, ("BD-T1", 23, 90, "D", "", 2, 4, ""), ("BD-T1", 23, 90, "D", "", 2, 4, "")],
        "duplicate_key",
        3,
        "person",
    ),
    ("leave", [("person", "first", "last"), ("BD-T1", "2026-02-31", "2026-03-01")], "impossible_date", 2, "first"),
    ("leave", [("person", "first", "last"), ("BD-T1", "2026-03-05", "2026-03-01")], "ends_before_it_starts", 2, "last"),
    ("leave", [("person", "first")], "missing_column", 1, "last"),
    ("holidays", [("country", "day", "name"), ("PE", date(2026, 7, 28), "Fiestas")], "not_your_country", 2, "country"),
    (
        "certificates",
        [("person", "module", "level", "valid_from"), ("BD-T1", "XX", "certified", date(2026, 1, 1))],
        "unknown_module",
        2,
        "module",
    ),
    (
        "certificates",
        [("person", "module", "level", "valid_from"), ("BD-T1", "WC", "great", date(2026, 1, 1))],
        "unknown_choice",
        2,
        "level",
    ),
    ("modules", [("code", "title", "version"), ("=1+1", "x", "1")], "formula", 2, "code"),
    ("modules", [("code", "title", "version"), ("WC", "Renamed", "3")], "needs_administrator", 2, "code"),
    (
        "stages",
        [STAGE_SHEET, ("QI", "BD", "a", "baseline", 1, 1, 4, "nowhere", 0, None, None, "no")],
        "unknown_stage",
        2,
        "after",
    ),
    (
        "stages",
        [
            STAGE_SHEET,
            ("QI", "BD", "a", "baseline", 1, 1, 4, "b", 0, None, None, "no"),
            ("QI", "BD", "b", "consultancy", 2, 1, 4, "a", 0, None, None, "no"),
        ],
        "circular_stages",
        0,
        "after",
    ),
    (
        "stages",
        [STAGE_SHEET, ("QI", "BD", "a", "baseline", 1, 1, 4, "", 9, 3, None, "no")],
        "impossible_gap",
        2,
        "max_gap_days",
    ),
    ("wishes", [("a",), (1,)], "unknown_sheet", 0, ""),
]


@pytest.mark.parametrize(("sheet", "rows", "code", "row", "column"), BAD, ids=[f"{one[0]}-{one[2]}" for one in BAD])
async def test_a_fault_is_named_and_nothing_is_taken(
    bd: Programme, sheet: str, rows: list[tuple[Any, ...]], code: str, row: int, column: str
) -> None:
    await bd.know_trainer("PE-T1", country="PE")
    good = [("country", "day", "name"), ("BD", date(2026, 12, 16), "Victory Day")]
    sheets = {"holidays": good, sheet: rows}
    dry = await bd.upload(workbook(**sheets), dry_run=True, countries=("BD",))
    assert dry.status_code == 200
    answer = await bd.upload(workbook(**sheets), countries=("BD",))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    errors = answer.json()["errors"]
    assert errors == dry.json()["errors"]
    fault = next(error for error in errors if error["code"] == code)
    assert (fault["sheet"], fault["row"], fault["column"]) == (sheet, row, column)
    assert fault["expected"]
    assert await bd.pool.fetchval("select count(*) from holidays") == 1


async def test_a_file_that_is_no_workbook_is_refused(bd: Programme) -> None:
    answer = await bd.upload(b"not a workbook")
    assert answer.status_code in {415, 422}
    assert answer.json()["detail"]
    async with bd.client() as client:
        nothing = await client.post("/api/imports", headers={"Idempotency-Key": str(uuid4())}, data={"a": "b"})
    assert nothing.json()["code"] == "no_file"


async def test_an_erased_person_leaves_nothing_behind(bd: Programme) -> None:
    from shared.contracts.person import PersonState

    await bd.feeder.erase(PersonState, bd.people["BD-T1"])
    for table, column in (("people", "key_name"), ("trainers", "person_key"), ("leave", "person_key")):
        found = await bd.pool.fetchval(f"select count(*) from {table} where {column} = 'BD-T1'")
        assert found == 0
    assert len((await bd.get("/api/trainers?country=BD")).json()["items"]) == 3
