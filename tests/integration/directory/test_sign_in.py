"""Signing in by a link: nobody learns who is known, no link is lost, and each is good once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.directory.deps import MailRefused
from services.directory.storage.sign_in import claim_waiting_requests
from services.directory.use_cases.enter import Enter, enter
from services.directory.use_cases.request_sign_in import RequestSignIn, request_sign_in
from shared.crypto import hash_token
from shared.db import transaction
from shared.errors import Rejected
from tests.integration.directory.conftest import House, person


async def request(house: House, email: str = "root@example.org", **other: Any) -> Any:
    async with await house.client() as client:
        return await client.post("/directory/api/sign-in", json={"email": email} | other)


async def link(house: House, email: str = "root@example.org") -> str:
    await request(house, email)
    assert await house.mail_links() == 1
    return house.mailbox.link_token()


async def test_a_known_and_an_unknown_address_are_answered_the_same(house: House) -> None:
    known, unknown = await request(house), await request(house, "stranger@example.org")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert known.status_code == 202
    assert await house.pool.fetchval("select count(*) from sign_in_requests where state = 'waiting'") == 2
    await house.mail_links()
    assert [mail["To"] for mail in house.mailbox.mails] == ["root@example.org"]


async def test_the_address_is_found_however_it_is_typed(house: House) -> None:
    await request(house, "  Root@Example.ORG ")
    await house.mail_links()
    assert len(house.mailbox.mails) == 1


async def test_the_mail_speaks_the_readers_language(house: House) -> None:
    await house.taken(people=[person("ana", "trainer", "PE", language="es"), person("bo", "trainer", language="bn")])
    await link(house, "ana@example.org")
    await link(house, "bo@example.org")
    assert [mail["Subject"] for mail in house.mailbox.mails] == [
        "Su enlace para entrar en Gemba",
        "Your link to sign in to Gemba",
    ]
    assert "http://localhost:8300/directory/enter?token=" in house.mailbox.mails[0].get_content()


async def test_opening_the_link_shows_a_button_and_does_nothing(house: House) -> None:
    token = await link(house)
    async with await house.client(Accept="text/html") as client:
        for _ in range(3):
            page = await client.get("/directory/enter", params={"token": token})
            assert page.status_code == 200
            assert "Sign in as Root" in page.text
            assert "set-cookie" not in page.headers
    assert await house.pool.fetchval("select count(*) from sessions where kind = 'session'") == 0


async def test_pressing_the_button_begins_a_session_and_leads_on(house: House) -> None:
    await request(house, next="/scheduler/cohorts?x=1")
    await house.mail_links()
    async with await house.client() as client:
        entered = await client.post("/directory/enter", data={"token": house.mailbox.link_token()})
    assert (entered.status_code, entered.headers["location"]) == (303, "/scheduler/cohorts?x=1")
    cookie = next(one for one in entered.headers.get_list("set-cookie") if one.startswith("__Host-gemba="))
    for attribute in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"):
        assert attribute in cookie
    assert "Domain" not in cookie
    token = cookie.partition("=")[2].partition(";")[0]
    assert (await house.ask("/directory/me", token=token)).headers["gemba-identity"]


async def test_home_is_where_ones_work_is(house: House) -> None:
    await house.taken(people=[person("tariq", "trainer"), person("omar", "officer"), person("rina", "coordinator")])
    homes = {}
    for key in ("tariq", "omar", "rina"):
        async with await house.client() as client:
            token = await link(house, f"{key}@example.org")
            homes[key] = (await client.post("/directory/enter", data={"token": token})).headers["location"]
    assert homes == {"tariq": "/visits/", "omar": "/visits/cases", "rina": "/scheduler/"}


async def test_a_link_never_leads_to_another_site(house: House) -> None:
    await request(house, next="//evil.example/")
    await house.mail_links()
    async with await house.client() as client:
        entered = await client.post("/directory/enter", data={"token": house.mailbox.link_token()})
    assert entered.headers["location"] == "/directory/import"


async def refusal(house: House, token: str, nonce: str = "another-page") -> str:
    with pytest.raises(Rejected) as refused:
        await enter(Enter(token, nonce), deps=house.deps)
    assert refused.value.status == 410
    return refused.value.code


async def test_a_link_is_good_once_for_a_quarter_of_an_hour(house: House) -> None:
    used = await link(house)
    await enter(Enter(used, "page-number-1"), deps=house.deps)
    assert await refusal(house, used) == "link_used"
    fresh = await link(house)
    house.clock.advance(timedelta(minutes=15))
    assert await refusal(house, fresh) == "link_expired"
    assert await refusal(house, "made-up") == "link_unknown"
    async with await house.client(Accept="text/html") as client:
        for token in (used, fresh, "made-up"):
            page = await client.get("/directory/enter", params={"token": token})
            assert page.status_code == 410
            assert "Ask for a new one" in page.text


async def test_of_two_who_use_a_link_at_once_one_wins(house: House) -> None:
    token = await link(house)
    results = await asyncio.gather(
        *(enter(Enter(token, f"page-number-{n}"), deps=house.deps) for n in range(6)), return_exceptions=True
    )
    lost = [result.code for result in results if isinstance(result, Rejected)]
    assert lost == ["link_used"] * 5
    assert await house.pool.fetchval("select count(*) from sessions where kind = 'session'") == 1


async def test_a_double_click_ends_in_one_session_with_one_cookie(house: House) -> None:
    token = await link(house)
    async with await house.client() as client:
        form = {"token": token, "idempotency_key": "page-number-1"}
        first, second = await asyncio.gather(*(client.post("/directory/enter", data=form) for _ in range(2)))
    assert first.status_code == second.status_code == 303
    assert first.headers.get_list("set-cookie") == second.headers.get_list("set-cookie")
    assert await house.pool.fetchval("select count(*) from sessions where kind = 'session'") == 1


async def test_no_credential_is_kept_as_it_is(house: House) -> None:
    token = await link(house)
    entered = await enter(Enter(token, "page-number-1"), deps=house.deps)
    for table in ("sign_in_requests", "sign_in_links", "sessions"):
        kept = str(await house.pool.fetch(f"select * from {table}"))
        assert token not in kept
        assert entered.token not in kept
    assert (
        await house.pool.fetchval("select count(*) from sessions where token_hash = $1", hash_token(entered.token)) == 1
    )


async def test_nothing_is_lost_while_the_mail_server_is_away(house: House) -> None:
    house.mailbox.broken = ConnectionRefusedError()
    await request(house)
    assert await house.mail_links() == 0
    assert await house.mail_links() == 0, "it waits before it tries again"
    house.mailbox.broken = None
    house.clock.advance(timedelta(hours=3))
    await house.pool.execute("update sign_in_requests set retry_at = clock_timestamp()")
    assert await house.mail_links() == 1
    await enter(Enter(house.mailbox.link_token(), "page-number-1"), deps=house.deps)


async def test_a_mail_that_will_never_be_taken_is_given_up(house: House) -> None:
    house.mailbox.broken = MailRefused()
    await request(house)
    assert await house.mail_links() == 1
    house.mailbox.broken = TimeoutError()
    await request(house)
    house.clock.advance(timedelta(hours=25))
    await house.mail_links()
    assert [row[0] for row in await house.pool.fetch("select state from sign_in_requests")] == ["failed", "failed"]


async def test_sent_twice_the_mail_is_one_mail_and_either_link_uses_up_both(house: House) -> None:
    await request(house)
    await house.mail_links()
    await house.pool.execute("update sign_in_requests set state = 'waiting', retry_at = clock_timestamp()")  # we died
    await house.mail_links()
    first, second = house.mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    await enter(Enter(house.mailbox.link_token(0), "page-number-1"), deps=house.deps)
    assert await refusal(house, house.mailbox.link_token(1)) == "link_used"


async def test_two_mailers_take_different_wishes_and_neither_waits_for_the_other(house: House) -> None:
    for n in range(4):
        await request(house, f"t{n}@example.org")
    async with transaction(house.pool) as one, transaction(house.pool) as other:
        first = await claim_waiting_requests(one, limit=3, lease_seconds=60)
        second = await asyncio.wait_for(claim_waiting_requests(other, limit=3, lease_seconds=60), 2)
    assert (len(first), len(second)) == (3, 1)
    assert len({wish.request_id for wish in (*first, *second)}) == 4


async def test_an_address_gets_five_mails_in_a_quarter_of_an_hour_and_is_told_nothing(house: House) -> None:
    for _ in range(8):
        assert (await request(house)).status_code == 202
        await house.mail_links()
    assert len(house.mailbox.mails) == 5
    house.clock.advance(timedelta(minutes=15, seconds=1))
    await request(house)
    await house.mail_links()
    assert len(house.mailbox.mails) == 6


async def test_the_limit_holds_for_many_at_once(house: House) -> None:
    for _ in range(5):
        await asyncio.gather(
            *(request_sign_in(RequestSignIn("root@example.org", None), deps=house.deps) for _ in range(10))
        )
        await house.mail_links()
    assert len(house.mailbox.mails) == 5, "ten at once are one mail; five mails are the limit"


@pytest.mark.parametrize("email", ["", "nobody", "a" * 300 + "@example.org", 7])
async def test_what_is_no_address_is_said_so(house: House, email: object) -> None:
    answer = await request(house, email)  # type: ignore[arg-type]
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "email"


async def test_the_page_does_the_same_as_the_api(house: House) -> None:
    async with await house.client(Accept="text/html") as client:
        shown = await client.get("/directory/sign-in", params={"next": "/visits/"})
        assert 'value="/visits/"' in shown.text
        wrong = await client.post("/directory/sign-in", data={"email": "nobody", "next": "/visits/"})
        assert wrong.status_code == 422
        assert 'value="nobody"' in wrong.text
        sent = await client.post("/directory/sign-in", data={"email": "root@example.org", "next": "/visits/"})
        assert (sent.status_code, sent.headers["location"]) == (303, "/directory/sign-in/sent")
        assert "/inbox/" in (await client.get("/directory/sign-in/sent")).text
    await house.mail_links()
    assert len(house.mailbox.mails) == 1
