"""Who sees whom, and what erasure leaves."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx
import pytest

from services.directory.storage.states import load_states
from services.directory.use_cases.create_first_administrator import (
    CreateFirstAdministrator,
    create_first_administrator,
)
from shared.errors import Rejected
from tests.integration.directory.conftest import House, enterprise, person, workbook


@pytest.fixture
async def peopled(house: House) -> House:
    await house.taken(
        people=[
            person("rina", "coordinator", phone="+8801700000001"),
            person("tariq", "trainer", line_manager="rina"),
            person("moni", "enterprise", enterprise="acme"),
            person("luz", "coordinator", "PE"),
            person("pia", "trainer", "PE"),
            person("omar", "officer", countries="BD, PE"),
        ],
        enterprises=[enterprise("acme", manager_contact="moni", worker_contact="moni"), enterprise("lima", "PE"),
                     enterprise("beta")],
    )  # fmt: skip
    return house


async def get(house: House, by: str, path: str, **params: str) -> httpx.Response:
    async with await house.client(house.ids[by]) as client:
        return await client.get(f"/directory{path}", params=params)


async def keys(house: House, by: str, path: str, **params: str) -> list[str]:
    answer = await get(house, by, path, **params)
    assert answer.status_code == 200, answer.text
    return [item["key"] for item in answer.json()["items"]]


async def test_a_coordinator_sees_the_people_of_their_countries(peopled: House) -> None:
    assert await keys(peopled, "rina", "/api/people") == ["moni", "omar", "rina", "tariq"]
    assert await keys(peopled, "luz", "/api/people") == ["luz", "omar", "pia"]
    assert await keys(peopled, "root", "/api/people") == ["luz", "moni", "omar", "pia", "rina", "root", "tariq"]
    assert await keys(peopled, "rina", "/api/people", country="PE") == ["omar"]
    assert await keys(peopled, "rina", "/api/people", role="trainer") == ["tariq"]
    assert await keys(peopled, "rina", "/api/people", q="ARI") == ["tariq"]
    assert await keys(peopled, "rina", "/api/people", q="%") == [], "a pattern is no text"


async def test_lists_are_for_those_who_work_with_them(peopled: House) -> None:
    for by, status in (("tariq", 403), ("moni", 403), ("omar", 200)):
        assert (await get(peopled, by, "/api/people")).status_code == status
    async with await peopled.client() as stranger:
        for path in ("/people", "/enterprises", "/me", "/tokens"):
            answer = await stranger.get(f"/directory/api{path}")
            assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


async def test_another_countrys_person_is_as_one_that_is_not_there(peopled: House) -> None:
    for path in ("/api/people/", "/fragments/person/", "/api/enterprises/"):
        foreign = peopled.ids["lima" if "enterprises" in path else "pia"]
        hidden = await get(peopled, "rina", f"{path}{foreign}")
        missing = await get(peopled, "rina", f"{path}{uuid4()}")
        assert hidden.status_code == missing.status_code == 404
        assert {**hidden.json(), "correlation_id": ""} == {**missing.json(), "correlation_id": ""}


async def contacts(house: House, by: str, whom: str) -> object:
    return (await get(house, by, f"/api/people/{house.ids[whom]}")).json()["contact_points"]


async def test_contact_points_are_shown_to_few(peopled: House) -> None:
    assert await contacts(peopled, "rina", "rina") == [
        {"channel": "email", "address": "rina@example.org", "verified": True},
        {"channel": "sms", "address": "+8801700000001", "verified": True},
    ]
    assert await contacts(peopled, "root", "pia") is not None
    assert await contacts(peopled, "rina", "tariq") is not None
    assert await contacts(peopled, "tariq", "rina") is None
    assert await contacts(peopled, "omar", "tariq") is None
    assert await contacts(peopled, "luz", "omar") is None, "of another country, though active in hers"


async def test_long_lists_come_in_pages_without_gap_or_repetition(house: House) -> None:
    await house.taken(people=[person(f"t{n:03}", "trainer", name=f"Name {n % 7}") for n in range(120)])
    seen: list[str] = []
    cursor = ""
    while True:
        page = (
            await get(house, "root", "/api/people", role="trainer", **({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [item["key"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 120
    assert (await get(house, "root", "/api/people", cursor="nonsense")).json()["code"] == "bad_cursor"


async def test_enterprises_of_ones_countries_and_for_a_contact_their_own(peopled: House) -> None:
    assert await keys(peopled, "rina", "/api/enterprises") == ["acme", "beta"]
    assert await keys(peopled, "root", "/api/enterprises", country="PE") == ["lima"]
    assert await keys(peopled, "tariq", "/api/enterprises") == ["acme", "beta"]
    assert await keys(peopled, "moni", "/api/enterprises") == ["acme"]
    assert (await get(peopled, "moni", f"/api/enterprises/{peopled.ids['beta']}")).status_code == 404
    acme = (await get(peopled, "moni", f"/api/enterprises/{peopled.ids['acme']}")).json()
    assert acme["working_weekdays"] == [1, 2, 3, 4, 7]
    assert acme["closed"] == []


async def test_a_fragment_is_the_name_and_nothing_else(house: House) -> None:
    await house.taken(people=[person("eve", "trainer", name="<script>alert(1)</script>")])
    answer = await get(house, "eve", f"/fragments/person/{house.ids['eve']}")
    assert answer.text == "<span>&lt;script&gt;alert(1)&lt;/script&gt;</span>"


async def test_me_is_what_is_kept_about_me(peopled: House) -> None:
    me = (await get(peopled, "tariq", "/api/me")).json()
    assert (me["key"], me["line_manager_id"], me["roles"]) == ("tariq", str(peopled.ids["rina"]), ["trainer"])
    assert me["contact_points"] == [{"channel": "email", "address": "tariq@example.org", "verified": True}]
    assert me["sessions"] == []


async def erase(house: House, whom: str, by: str = "root", key: str = "") -> httpx.Response:
    async with await house.client(house.ids[by]) as client:
        return await client.post(
            f"/directory/api/people/{house.ids[whom]}/erase", headers={"Idempotency-Key": key or str(uuid4())}
        )


async def test_erasure_leaves_no_trace_of_who_it_was_and_tells_every_copy(peopled: House) -> None:
    session = await peopled.sign_in("moni@example.org")
    key = str(uuid4())
    assert (await erase(peopled, "moni", key=key)).json() == {"person_id": str(peopled.ids["moni"])}
    assert (await erase(peopled, "moni", key=key)).status_code == 200, "a repeated command has its answer"
    assert (await erase(peopled, "moni")).status_code == 404
    assert (await peopled.ask("/visits/api/x", token=session)).status_code == 401
    alive = "select count(*) from sessions where person_id = $1 and ended_at is null"
    assert await peopled.pool.fetchval(alive, peopled.ids["moni"]) == 0
    for table in ("people", "contact_points", "sign_in_links", "sessions", "enterprises", "outbox"):
        kept = " ".join(str(dict(row)) for row in await peopled.pool.fetch(f"select * from {table}"))
        assert "moni" not in kept.lower(), f"{table} still says who it was"
    erased = await peopled.pool.fetchval(
        "select erased from state_copies where topic = 'gemba.person' and aggregate = $1", peopled.ids["moni"]
    )
    assert erased is True
    async with peopled.pool.acquire() as conn:
        assert await load_states(conn, "gemba.person", [peopled.ids["moni"]]) == {}
        acme = (await load_states(conn, "gemba.enterprise", [peopled.ids["acme"]]))[peopled.ids["acme"]]
    assert acme.contact_ids == ()  # type: ignore[attr-defined]
    assert await versions(peopled, peopled.ids["acme"]) == 2


async def versions(house: House, aggregate: UUID) -> int:
    found: int = await house.pool.fetchval("select max(version) from outbox where aggregate = $1", aggregate)
    return found


async def test_who_lost_their_line_manager_is_published_again(peopled: House) -> None:
    await erase(peopled, "rina")
    assert await versions(peopled, peopled.ids["tariq"]) == 2
    assert (await get(peopled, "tariq", "/api/me")).json()["line_manager_id"] is None


async def test_an_old_workbook_does_not_bring_somebody_back(peopled: House) -> None:
    await erase(peopled, "pia")
    answer = await peopled.take(workbook(people=[person("Pia", "trainer", "PE")]))
    assert [error["code"] for error in answer.json()["errors"]] == ["erased_person"]
    await peopled.taken(people=[person("pia2", "trainer", "PE", email="pia@example.org")])


async def test_only_an_administrator_erases_and_never_the_last_one(peopled: House) -> None:
    assert (await erase(peopled, "tariq", by="rina")).status_code == 403
    refused = await erase(peopled, "root")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_administrator")


async def test_the_first_administrator_is_made_once_and_their_token_again(house: House) -> None:
    asked = CreateFirstAdministrator("Root@example.org", "Root", "root", "ZZ")
    tokens = [(await create_first_administrator(asked, pool=house.pool, now=house.clock.now()))[1] for _ in range(2)]
    assert (await house.ask("/directory/api/me", bearer=tokens[0])).status_code == 401, "the lost one ends"
    assert (await house.ask("/directory/api/me", bearer=tokens[1])).status_code == 200
    assert await house.pool.fetchval("select count(*) from people") == 1
    await house.taken(people=[person("tariq", "trainer")])
    for email in ("stranger@example.org", "tariq@example.org"):
        other = CreateFirstAdministrator(email, "Other", "other", "ZZ")
        with pytest.raises(Rejected, match="already"):
            await create_first_administrator(other, pool=house.pool, now=house.clock.now())


async def test_pages_show_what_their_reader_may_see(peopled: House) -> None:
    async with await peopled.client(peopled.ids["rina"], Accept="text/html") as client:
        people = await client.get("/directory/people")
        assert "tariq@example.org" in people.text
        assert "not shown to you" not in people.text
        assert "pia" not in people.text
        assert "acme Ltd" in (await client.get("/directory/enterprises")).text
        assert "rina@example.org" in (await client.get("/directory/me")).text
        assert (await client.get("/directory/")).headers["location"] == "/scheduler/"
        imported = await client.get("/directory/import")
        assert "import.js" in imported.text
    async with await peopled.client(peopled.ids["tariq"], Accept="text/html") as client:
        for path in ("/import", "/people", "/enterprises"):
            assert (await client.get(f"/directory{path}")).status_code == 403


async def test_the_import_page_works_without_a_script(house: House) -> None:
    good = {"workbook": ("p.xlsx", workbook(people=[person("tariq", "trainer")]))}
    bad = {"workbook": ("p.xlsx", workbook(people=[person("tariq", "wizard")]))}
    async with await house.client(house.administrator, Accept="text/html") as client:
        checked = await client.post("/directory/import", files=good, data={"step": "check"})
        assert "nothing was changed yet" in checked.text
        refused = await client.post("/directory/import", files=bad, data={"step": "take"})
        assert refused.status_code == 422
        assert "wizard" in refused.text
        none = await client.post("/directory/import", data={"step": "take"})
        assert none.status_code == 422
        assert "Choose a file first" in none.text
        assert await house.pool.fetchval("select count(*) from people") == 1
        taken = await client.post("/directory/import", files=good, data={"step": "take"})
        assert "Imported." in taken.text
    assert await house.pool.fetchval("select count(*) from people") == 2
