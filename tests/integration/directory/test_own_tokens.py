"""Anybody may have a token of their own for the command line; nobody one that renews itself or another's."""

from __future__ import annotations

from uuid import uuid4

import httpx

from tests.integration.directory.conftest import House, person


async def _with_officer(house: House) -> str:
    await house.taken(people=[person("olga", "officer"), person("tom", "trainer")])
    return await house.sign_in("olga@example.org")


async def _make(client: httpx.AsyncClient, **body: str) -> httpx.Response:
    return await client.post(
        "/directory/api/tokens", json={"label": "laptop"} | body, headers={"Idempotency-Key": str(uuid4())}
    )


async def test_an_officer_makes_a_token_and_it_acts_as_the_officer(house: House) -> None:
    await _with_officer(house)
    async with await house.client(house.ids["olga"]) as client:
        made = await _make(client)
        assert made.status_code == 201, made.text
        assert (await house.ask("/visits/api/cases", bearer=made.json()["token"])).status_code == 200
        listed = (await client.get("/directory/api/tokens")).json()["items"]
        assert [row["person_id"] for row in listed] == [str(house.ids["olga"])]
        ended = await client.delete(f"/directory/api/tokens/{made.json()['token_id']}")
        assert ended.status_code == 204
    assert (await house.ask("/visits/api/cases", bearer=made.json()["token"])).status_code == 401


async def test_nobody_but_an_administrator_makes_a_token_for_somebody_else(house: House) -> None:
    await _with_officer(house)
    async with await house.client(house.ids["tom"]) as client:
        refused = await _make(client, person_id=str(house.ids["olga"]))
    assert refused.status_code == 404


async def test_nobody_sees_or_ends_anothers_token(house: House) -> None:
    await _with_officer(house)
    async with await house.client(house.ids["olga"]) as client:
        made = (await _make(client)).json()
    async with await house.client(house.ids["tom"]) as client:
        assert (await client.get("/directory/api/tokens")).json()["items"] == []
        assert (await client.delete(f"/directory/api/tokens/{made['token_id']}")).status_code == 404
    assert (await house.ask("/visits/api/cases", bearer=made["token"])).status_code == 200


async def test_a_token_does_not_renew_itself(house: House) -> None:
    await _with_officer(house)
    async with await house.client(house.ids["olga"], kind="token") as client:
        refused = await _make(client)
    assert refused.status_code == 403
    assert refused.json()["code"] == "sign_in_needed"


async def test_the_account_page_makes_a_token_and_shows_it_once(house: House) -> None:
    await _with_officer(house)
    async with await house.client(house.ids["olga"], **{"Sec-Fetch-Site": "same-origin"}) as client:
        form = {"label": "laptop", "idempotency_key": str(uuid4())}
        shown = await client.post("/directory/me/tokens", data=form)
        assert shown.status_code == 201
        token = shown.text.partition('<code id="token">')[2].partition("</code>")[0]
        assert (await house.ask("/visits/api/cases", bearer=token)).status_code == 200
        again = await client.post("/directory/me/tokens", data=form)
        assert token not in again.text
        assert (await client.post("/directory/me/tokens", data=form | {"label": " "})).status_code == 422
