"""A session says who asks, for the service asked and for a minute; ended, it is gone everywhere at once."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import uuid4

import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.directory.http.cookies import session_cookies, set_session
from shared.auth import IdentityVerifier
from shared.errors import Rejected
from tests.integration.directory.conftest import House, person, settings


def read_identity(house: House, signed: str, audience: str) -> object:
    path = house.deps.settings.keys_dir / "identity.pub.pem"
    return IdentityVerifier(path, installation="gemba", audience=audience).verify(signed, time.time())


async def test_an_identity_is_signed_for_the_service_asked(house: House) -> None:
    token = await house.sign_in("root@example.org")
    answer = await house.ask("/visits/api/visits?x=1", token=token)
    assert answer.status_code == 200
    found = read_identity(house, answer.headers["gemba-identity"], "visits")
    assert found.person_id == str(house.administrator)  # type: ignore[attr-defined]
    assert (found.kind, found.roles) == ("session", frozenset({"administrator"}))  # type: ignore[attr-defined]
    with pytest.raises(Rejected):
        read_identity(house, answer.headers["gemba-identity"], "scheduler")


async def test_open_addresses_pass_without_an_identity_even_when_signed_in(house: House) -> None:
    token = await house.sign_in("root@example.org")
    for uri in ("/directory/sign-in?next=x", "/visits/tap?t=y", "/visits/static/gemba.css?v=1", "/inbox/"):
        for offered in ("", token):
            answer = await house.ask(uri, token=offered)
            assert answer.status_code == 200
            assert "gemba-identity" not in answer.headers


@pytest.mark.parametrize("token", ["", "made-up", "x" * 5000, "a b;c"])
async def test_a_stranger_is_led_to_sign_in_or_told(house: House, token: str) -> None:
    page = await house.ask("/scheduler/cohorts?a=b", token=token, accept="text/html,*/*")
    assert (page.status_code, page.headers["location"]) == (
        302,
        "/directory/sign-in?next=%2Fscheduler%2Fcohorts%3Fa%3Db",
    )
    program = await house.ask("/scheduler/api/cohorts", token=token)
    assert (program.status_code, program.json()["code"]) == (401, "not_signed_in")
    assert program.headers["content-type"] == "application/problem+json"
    browser_asks_api = await house.ask("/scheduler/api/cohorts", token=token, accept="text/html")
    assert browser_asks_api.status_code == 401
    fragment = await house.ask("/directory/me", token=token, accept="text/html", **{"HX-Request": "true"})
    assert fragment.status_code == 401
    posted = await house.ask("/visits/report", method="POST", token=token, accept="text/html")
    assert posted.status_code == 401
    assert "Sign in again" in posted.text


async def test_the_question_itself_cannot_be_asked_through_the_origin(house: House) -> None:
    token = await house.sign_in("root@example.org")
    answer = await house.ask("/directory/forward-auth", token=token)
    assert answer.status_code == 404
    assert "gemba-identity" not in answer.headers


@pytest.mark.parametrize(
    "change",
    [
        "update sessions set seen_at = seen_at - interval '12 hours 1 minute'",
        "update sessions set expires_at = clock_timestamp()",
        "update sessions set ended_at = clock_timestamp()",
        "update people set active = false",
    ],
)
async def test_a_session_that_is_over_counts_no_more(house: House, change: str) -> None:
    token = await house.sign_in("root@example.org")
    await house.pool.execute(change)
    assert (await house.ask("/visits/api/x", token=token)).status_code == 401


async def test_use_keeps_a_session_alive_but_not_beyond_a_week(house: House) -> None:
    token = await house.sign_in("root@example.org")
    await house.pool.execute("update sessions set seen_at = seen_at - interval '11 hours'")
    assert (await house.ask("/visits/api/x", token=token)).status_code == 200
    idle, left = await house.pool.fetchrow(
        "select clock_timestamp() - seen_at, expires_at - clock_timestamp() from sessions where kind = 'session'"
    )
    assert idle < timedelta(minutes=1)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


async def test_steering_business_time_ends_no_session(house: House) -> None:
    token = await house.sign_in("root@example.org")
    house.clock.advance(timedelta(days=90))
    assert (await house.ask("/visits/api/x", token=token)).status_code == 200


async def test_a_new_role_counts_from_the_next_request(house: House) -> None:
    await house.taken(people=[person("tariq", "trainer")])
    token = await house.sign_in("tariq@example.org")
    await house.taken(people=[person("tariq", "trainer, coordinator")])
    answer = await house.ask("/scheduler/", token=token)
    assert read_identity(house, answer.headers["gemba-identity"], "scheduler").has("coordinator")  # type: ignore[attr-defined]


async def test_signing_out_ends_the_session_and_takes_the_cookie_away(house: House) -> None:
    token = await house.sign_in("root@example.org")
    async with await house.client(Cookie=f"__Host-gemba={token}", **{"Sec-Fetch-Site": "same-origin"}) as client:
        left = await client.post("/directory/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "/directory/sign-in")
    assert all('=""' in cookie or "Max-Age=0" in cookie for cookie in left.headers.get_list("set-cookie"))
    assert (await house.ask("/visits/api/x", token=token)).status_code == 401


async def test_no_other_site_can_sign_somebody_out_or_in(house: House) -> None:
    async with await house.client(**{"Sec-Fetch-Site": "cross-site"}) as client:
        for path in ("/directory/sign-out", "/directory/enter", "/directory/sign-in"):
            assert (await client.post(path)).json()["code"] == "cross_site"


async def test_all_sessions_of_a_person_end_at_once(house: House) -> None:
    await house.taken(people=[person("tariq", "trainer"), person("other", "trainer")])
    phone, laptop = await house.sign_in("tariq@example.org"), await house.sign_in("tariq@example.org")
    other = await house.sign_in("other@example.org")
    async with await house.client(house.ids["tariq"]) as client:
        where = f"/directory/api/people/{house.ids['tariq']}/revoke-sessions"
        ended = await client.post(where, headers={"Idempotency-Key": str(uuid4())})
    assert ended.json() == {"person_id": str(house.ids["tariq"]), "ended": 2}
    for token, status in ((phone, 401), (laptop, 401), (other, 200)):
        assert (await house.ask("/visits/api/x", token=token)).status_code == status


async def test_ending_somebody_elses_sessions_needs_an_administrator(house: House) -> None:
    await house.taken(people=[person("tariq", "trainer"), person("rina", "coordinator")])
    where = f"/directory/api/people/{house.ids['tariq']}/revoke-sessions"
    async with await house.client(house.ids["rina"]) as client:
        refused = await client.post(where, headers={"Idempotency-Key": str(uuid4())})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    async with await house.client(house.administrator) as client:
        assert (await client.post(where, headers={"Idempotency-Key": str(uuid4())})).status_code == 200


async def make_token(house: House, by: str = "root", **body: object) -> tuple[int, dict[str, str]]:
    async with await house.client(house.ids[by]) as client:
        answer = await client.post(
            "/directory/api/tokens", json={"label": "laptop"} | body, headers={"Idempotency-Key": str(uuid4())}
        )
        return answer.status_code, answer.json()


async def test_a_cli_token_is_a_token_and_no_cookie_and_the_other_way_round(house: House) -> None:
    status, made = await make_token(house)
    assert status == 201
    answer = await house.ask("/scheduler/api/x", bearer=made["token"])
    assert read_identity(house, answer.headers["gemba-identity"], "scheduler").kind == "token"  # type: ignore[attr-defined]
    assert (await house.ask("/scheduler/api/x", token=made["token"])).status_code == 401
    cookie = await house.sign_in("root@example.org")
    assert (await house.ask("/scheduler/api/x", bearer=cookie)).status_code == 401
    assert (await house.ask("/scheduler/api/x", bearer="wrong", token=cookie)).status_code == 401, "no falling back"


async def test_tokens_are_listed_without_their_secret_and_revoked(house: House) -> None:
    _, made = await make_token(house)
    async with await house.client(house.administrator) as client:
        listed = await client.get("/directory/api/tokens")
        assert made["token"] not in listed.text
        assert made["token_id"] in [item["token_id"] for item in listed.json()["items"]]
        where = f"/directory/api/tokens/{made['token_id']}"
        assert (await client.delete(where)).status_code == 204
        assert (await client.delete(where)).status_code == 404
    assert (await house.ask("/scheduler/api/x", bearer=made["token"])).status_code == 401


async def test_a_repeated_command_makes_no_second_token_and_shows_none(house: House) -> None:
    async with await house.client(house.administrator) as client:
        headers = {"Idempotency-Key": str(uuid4())}
        first = await client.post("/directory/api/tokens", json={"label": "x"}, headers=headers)
        again = await client.post("/directory/api/tokens", json={"label": "x"}, headers=headers)
    assert again.json() == {"token_id": first.json()["token_id"], "token": None}


async def test_nobody_makes_a_token_that_reads_cases_for_somebody_else(house: House) -> None:
    await house.taken(people=[person("omar", "officer"), person("rina", "coordinator")])
    status, refused = await make_token(house, person_id=str(house.ids["omar"]))
    assert (status, refused["code"]) == (403, "not_for_safeguarding")
    assert (await make_token(house, person_id=str(house.ids["rina"])))[0] == 201
    assert (await make_token(house, person_id=str(uuid4())))[0] == 404


async def test_over_https_there_is_the_host_cookie_alone(house: House) -> None:
    secure = settings(house.deps.settings.keys_dir, "https://gemba.example.org", "production")
    answer = Response()
    set_session(answer, "t", secure)
    assert [value.split("=")[0] for name, value in answer.headers.items() if name == "set-cookie"] == ["__Host-gemba"]
    scope = {"type": "http", "headers": [(b"cookie", b"gemba=planted")]}
    assert session_cookies(Request(scope), secure) == []
    assert not secure.has_inbox


def test_a_session_in_the_clear_is_refused_at_start(house: House) -> None:
    with pytest.raises(ValueError, match="must be https"):
        settings(house.deps.settings.keys_dir, "http://gemba.example.org")
