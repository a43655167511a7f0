"""A workbook is taken whole or not at all, and taking it again changes nothing."""

from __future__ import annotations

import asyncio
import io
import zipfile
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from openpyxl import Workbook

from services.directory.domain.people import Actor
from services.directory.storage.states import claim_register, load_states
from services.directory.use_cases.import_workbook import ImportWorkbook, _read, _work_out, _write
from shared.contracts.enterprise import ClosedDays, EnterpriseState
from shared.contracts.person import PersonState
from shared.db import transaction
from tests.integration.directory.conftest import House, enterprise, person, workbook

SAMPLE: dict[str, Any] = {
    "people": [
        person("rina", "coordinator", countries="BD"),
        person("tariq", "trainer", line_manager="rina", languages="bn, en", phone="+880 1712-345678"),
        person("moni", "enterprise", enterprise="acme"),
    ],
    "enterprises": [enterprise("acme", manager_contact="moni", worker_contact="moni")],
    "closed_days": [
        {"enterprise": "acme", "first": date(2026, 7, 1), "last": date(2026, 7, 14), "reason": "stocktaking"}
    ],
}

SOMEBODY_WAITS = """
    select exists (select from pg_locks where locktype = 'advisory' and not granted
                   and database = (select oid from pg_database where datname = current_database()))
"""


async def published(house: House) -> list[tuple[str, int]]:
    rows = await house.pool.fetch("select topic, aggregate, max(version) as version from outbox group by 1, 2")
    return sorted((row["topic"], row["version"]) for row in rows)


async def codes(house: House, **sheets: Any) -> list[tuple[str, int, str, str]]:
    """Where and what is wrong; checking and taking agree, and neither changes anything."""
    before = await house.pool.fetchval("select count(*) from outbox")
    data = workbook(**sheets)
    checked, refused = await house.take(data, dry_run=True), await house.take(data)
    assert checked.status_code == 200
    assert refused.status_code == 422
    assert refused.json()["code"] == "workbook_has_errors"
    assert refused.json()["errors"] == checked.json()["errors"]
    assert all(error["message"] and error["expected"] for error in refused.json()["errors"])
    assert await house.pool.fetchval("select count(*) from outbox") == before
    return [(error["sheet"], error["row"], error["column"], error["code"]) for error in refused.json()["errors"]]


async def test_people_enterprises_and_closed_days_are_taken_and_published(house: House) -> None:
    counts = await house.taken(**SAMPLE)
    assert counts == {
        "people": {"rows": 3, "new": 3, "changed": 0, "unchanged": 0},
        "enterprises": {"rows": 1, "new": 1, "changed": 0, "unchanged": 0},
        "closed_days": {"rows": 1, "new": 1, "changed": 0, "unchanged": 0},
    }
    async with house.pool.acquire() as conn:
        people = await load_states(conn, "gemba.person", [house.ids["tariq"]])
        sites = await load_states(conn, "gemba.enterprise", [house.ids["acme"]])
    tariq, acme = people[house.ids["tariq"]], sites[house.ids["acme"]]
    assert isinstance(tariq, PersonState)
    assert isinstance(acme, EnterpriseState)
    assert tariq.line_manager_id == house.ids["rina"]
    assert [(point.channel, point.address, point.verified) for point in tariq.contact_points] == [
        ("email", "tariq@example.org", True),
        ("sms", "+8801712345678", True),
    ]
    assert tariq.countries == ("BD",)
    assert acme.working_weekdays == (1, 2, 3, 4, 7), "ISO numbers: Monday is 1"
    assert acme.contact_ids == (house.ids["moni"],)
    assert acme.closed == (ClosedDays(first=date(2026, 7, 1), last=date(2026, 7, 14), reason="stocktaking"),)


async def test_taking_it_again_publishes_nothing_and_one_changed_row_publishes_one(house: House) -> None:
    await house.taken(**SAMPLE)
    before = await published(house)
    again = await house.taken(**SAMPLE)
    assert {sheet: (counts["new"], counts["changed"]) for sheet, counts in again.items()} == {
        "people": (0, 0), "enterprises": (0, 0), "closed_days": (0, 0),
    }  # fmt: skip
    assert await published(house) == before
    moved = SAMPLE["closed_days"][0] | {"last": date(2026, 7, 20)}
    changed = await house.taken(closed_days=[moved])
    assert changed == {"closed_days": {"rows": 1, "new": 0, "changed": 1, "unchanged": 0}}
    after = await published(house)
    assert set(after) - set(before) == {("gemba.enterprise", 2)}, "its calendar is part of its state"
    changed = await house.taken(people=[SAMPLE["people"][1] | {"language": "bn"}])
    assert changed["people"] == {"rows": 1, "new": 0, "changed": 1, "unchanged": 0}


async def test_a_check_says_what_would_happen_and_changes_nothing(house: House) -> None:
    answer = await house.take(workbook(**SAMPLE), dry_run=True)
    assert answer.status_code == 200
    assert answer.json()["dry_run"] is True
    assert answer.json()["sheets"][0] == {"sheet": "people", "rows": 3, "new": 3, "changed": 0, "unchanged": 0}
    assert await house.pool.fetchval("select count(*) from people") == 1


async def test_a_repeated_command_gets_the_same_answer_and_a_reused_key_is_refused(house: House) -> None:
    data, key = workbook(**SAMPLE), str(uuid4())
    first = await house.take(data, **{"Idempotency-Key": key})
    again = await house.take(data, **{"Idempotency-Key": key})
    assert first.json() == again.json()
    other = await house.take(workbook(people=[person("bo", "trainer")]), **{"Idempotency-Key": key})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_without_an_idempotency_key_nothing_is_taken(house: House) -> None:
    answer = await house.take(workbook(**SAMPLE), **{"Idempotency-Key": ""})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


async def test_of_two_at_once_the_second_waits_and_then_finds_nothing_to_do(house: House) -> None:
    data = workbook(**SAMPLE)
    async with transaction(house.pool) as conn:
        await claim_register(conn)
        second = asyncio.create_task(house.take(data))
        while not await conn.fetchval(SOMEBODY_WAITS):
            assert not second.done(), "it works on a register that another one is changing"
            await asyncio.sleep(0.01)
        cmd = ImportWorkbook(
            Actor(str(house.administrator), frozenset({"administrator"}), frozenset()), "x.xlsx", data, ""
        )
        changes = await _work_out(conn, await _read(cmd), cmd.actor)
        await _write(conn, changes, now=house.clock.now())
    assert [sheet["unchanged"] for sheet in (await second).json()["sheets"]] == [3, 1, 1]


async def test_references_are_found_in_the_workbook_or_in_the_register_or_named(house: House) -> None:
    await house.taken(people=[person("rina", "coordinator")])
    assert await codes(
        house,
        people=[person("a", "trainer", line_manager="RINA"), person("b", "trainer", line_manager="nobody"),
                person("c", "enterprise", enterprise="nowhere")],
        enterprises=[enterprise("e1", manager_contact="ghost", worker_contact="a")],
        closed_days=[{"enterprise": "nowhere", "first": "2026-01-01", "last": "2026-01-02", "reason": "x"}],
    ) == [
        ("people", 3, "line_manager", "unknown_reference"),
        ("people", 4, "enterprise", "unknown_reference"),
        ("enterprises", 2, "manager_contact", "unknown_reference"),
        ("closed_days", 2, "enterprise", "unknown_reference"),
    ]  # fmt: skip


async def test_a_row_that_is_wrong_does_not_make_those_that_refer_to_it_wrong(house: House) -> None:
    assert await codes(house, people=[person("a", "trainer", line_manager="b"), person("b", "wizard")]) == [
        ("people", 3, "roles", "unknown_choice")
    ]


async def test_rules_among_people(house: House) -> None:
    assert await codes(
        house,
        people=[
            person("a", "trainer", line_manager="b"),
            person("b", "trainer", line_manager="a"),
            person("c", "trainer", line_manager="c"),
            person("d", "officer", email=""),
            person("e", "enterprise", email="", enterprise="acme"),
            person("f", "trainer", email="A@example.org"),
            person("g", "enterprise"),
        ],
        enterprises=[enterprise("acme")],
    ) == [
        ("people", 5, "email", "missing_email"),
        ("people", 6, "email", "no_contact"),
        ("people", 8, "enterprise", "missing_value"),
        ("people", 7, "email", "duplicate_email"),
        ("people", 2, "line_manager", "line_manager_circle"),
        ("people", 3, "line_manager", "line_manager_circle"),
        ("people", 4, "line_manager", "line_manager_circle"),
    ]


async def test_cells_that_cannot_be(house: House) -> None:
    assert await codes(
        house,
        people=[person("a", "trainer"), person("A", "trainer"), person("b", "trainer", zone="Dhaka"),
                person("c", "trainer", countries="BD, Peru"), person("d", "trainer", name="=A1")],
        enterprises=[enterprise("e", latitude=123), enterprise("f", working_weekdays="daily")],
        closed_days=[
            {"enterprise": "e", "first": "2026-02-30", "last": "2026-03-01", "reason": "x"},
            {"enterprise": "e", "first": "2026-03-05", "last": "2026-03-01", "reason": "x"},
        ],
    ) == [
        ("people", 3, "key", "duplicate_key"),
        ("people", 4, "zone", "not_a_zone"),
        ("people", 5, "countries", "not_a_country"),
        ("people", 6, "name", "formula"),
        ("enterprises", 2, "latitude", "out_of_range"),
        ("enterprises", 3, "working_weekdays", "not_weekdays"),
        ("closed_days", 2, "first", "impossible_date"),
        ("closed_days", 3, "last", "impossible_range"),
    ]  # fmt: skip


async def test_a_wrong_sheet_is_named_and_those_of_other_services_are_passed_over(house: House) -> None:
    assert await codes(house, peoples=[{"key": "a"}]) == [("peoples", 0, "", "unknown_sheet")]
    await house.taken(trainers=[{"person": "x"}], people=[person("a", "trainer")])


async def test_a_missing_column_is_named(house: House) -> None:
    book = Workbook()
    book.active.title = "people"
    book.active.append(["key", "name"])
    buffer = io.BytesIO()
    book.save(buffer)
    answer = await house.take(buffer.getvalue())
    assert {error["column"] for error in answer.json()["errors"]} == {"country", "roles", "language", "zone"}
    assert {error["code"] for error in answer.json()["errors"]} == {"missing_column"}


@pytest.mark.parametrize(
    ("data", "code", "status"),
    [
        (b"", "empty_file", 422),
        (b"hello", "not_a_workbook", 422),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "old_workbook", 422),
    ],
)
async def test_a_file_that_is_no_workbook(house: House, data: bytes, code: str, status: int) -> None:
    answer = await house.take(data)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_zip_bomb_is_not_opened(house: House) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("[Content_Types].xml", "x")
        bomb.writestr("xl/workbook.xml", bytes(300 * 1024 * 1024))
    answer = await house.take(buffer.getvalue())
    assert (answer.status_code, answer.json()["code"]) == (422, "zip_bomb")


async def test_a_file_over_the_limit_is_not_read(house: House) -> None:
    assert (await house.take(bytes(11 * 1024 * 1024))).status_code == 413


async def test_more_than_ten_thousand_rows_are_refused(house: House) -> None:
    rows = "\n".join(f"p{n},Person {n},BD,trainer,en,Asia/Dhaka,p{n}@example.org" for n in range(10_001))
    csv = f"key,name,country,roles,language,zone,email\n{rows}\n".encode()
    async with await house.client(house.administrator) as client:
        answer = await client.post(
            "/directory/api/imports",
            files={"workbook": ("people.csv", csv)},
            headers={"Idempotency-Key": str(uuid4())},
        )
    assert [error["code"] for error in answer.json()["errors"]] == ["too_many_rows"]


async def test_a_coordinator_changes_people_of_their_own_countries_and_gives_no_powers(house: House) -> None:
    await house.taken(
        people=[person("rina", "coordinator"), person("omar", "officer"), person("pia", "trainer", "PE")],
        enterprises=[enterprise("lima", "PE")],
    )
    data = workbook(
        people=[
            person("rina", "coordinator"),  # as it is: nothing to refuse
            person("omar", "officer", email="rina2@example.org"),  # would let the coordinator sign in as the officer
            person("pia", "trainer", "PE", name="Pía"),
            person("new", "administrator"),
            person("fine", "trainer"),
        ],
        enterprises=[enterprise("lima", "PE", name="x"), enterprise("dhaka")],
        closed_days=[{"enterprise": "lima", "first": "2026-01-01", "last": "2026-01-01", "reason": "x"}],
    )
    answer = await house.take(data, by=house.ids["rina"])
    assert [(error["sheet"], error["row"], error["code"]) for error in answer.json()["errors"]] == [
        ("people", 3, "not_yours"),
        ("people", 4, "not_yours"),
        ("people", 5, "not_yours"),
        ("enterprises", 2, "not_yours"),
        ("closed_days", 2, "not_yours"),
    ]
    fine = await house.take(workbook(people=[person("fine", "trainer")]), by=house.ids["rina"])
    assert fine.status_code == 200


async def test_a_trainer_imports_nothing(house: House) -> None:
    await house.taken(people=[person("tariq", "trainer")])
    answer = await house.take(workbook(**SAMPLE), by=house.ids["tariq"])
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_role")


async def test_the_last_administrator_cannot_be_imported_away(house: House) -> None:
    assert await codes(house, people=[person("root", "trainer", email="root@example.org")]) == [
        ("people", 2, "roles", "last_administrator")
    ]


async def test_two_people_may_swap_their_addresses_and_links_to_the_old_ones_are_void(house: House) -> None:
    await house.taken(people=[person("a", "trainer"), person("b", "trainer")])
    async with await house.client() as client:
        await client.post("/directory/api/sign-in", json={"email": "a@example.org"})
        await house.mail_links()
        await house.taken(
            people=[person("a", "trainer", email="b@example.org"), person("b", "trainer", email="a@example.org")]
        )
        entered = await client.post("/directory/enter", data={"token": house.mailbox.link_token()})
    assert (entered.status_code, entered.json()["code"]) == (410, "link_unknown")
