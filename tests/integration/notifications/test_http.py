"""Who may read the delivery log, and how somebody says how they want to be reached."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from services.notifications.main import create_app
from services.notifications.settings import Settings
from shared.auth import HEADER, Identity, sign_identity
from shared.contracts.values import Channel, Role
from shared.crypto import load_signing_key
from shared.ids import new_id
from tests.integration.notifications.world import World, case_opened, offered, scheduled

MESSAGES = "/notifications/api/messages"
PREFERENCES = "/notifications/api/me/preferences"


class Caller:
    """Somebody at a browser or a script."""

    def __init__(self, client: httpx.AsyncClient, keys: Path) -> None:
        self._client = client
        self._key = load_signing_key(keys / "identity.pem")

    def headers(self, person_id: UUID, *roles: Role, country: str = "BD") -> dict[str, str]:
        who = Identity(
            str(person_id), "Somebody", frozenset(roles), frozenset({country}), "s1", "token", "Asia/Dhaka", "en"
        )
        token = sign_identity(who, self._key, time.time(), "notifications", installation="gemba")
        return {HEADER: token}

    async def items(
        self, person_id: UUID, *roles: Role, country: str = "BD", **query: object
    ) -> list[dict[str, object]]:
        answer = await self._client.get(
            MESSAGES,
            headers=self.headers(person_id, *roles, country=country),
            params={name: str(value) for name, value in query.items()},
        )
        assert answer.status_code == 200, answer.text
        found: list[dict[str, object]] = answer.json()["items"]
        return found


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    settings = world.deps.settings
    assert isinstance(settings, Settings)
    app = create_app(settings)
    app.state.deps = world.deps
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=settings.origin) as client:
        yield client


@pytest.fixture
def caller(client: httpx.AsyncClient, keys: Path) -> Caller:
    return Caller(client, keys)


async def test_an_ordinary_message_is_seen_by_its_reader_and_the_coordinators_of_its_country(
    world: World, caller: Caller
) -> None:
    rina = await world.knows("rina", channels=(Channel.EMAIL, Channel.SMS))
    offer = offered(rina, await world.knows_enterprise("rahman"))
    await world.hears(scheduled(offer), offer)
    await world.send()
    (mine,) = await caller.items(rina, Role.TRAINER)
    assert mine["state"] == "sent"
    assert "address" not in mine
    assert mine["recipient"] == "Rina"
    assert len(await caller.items(new_id(), Role.COORDINATOR)) == 1
    assert await caller.items(new_id(), Role.COORDINATOR, country="PE") == []
    for role in (Role.TRAINER, Role.OFFICER, Role.HEAD, Role.ADMINISTRATOR, Role.AUDITOR):
        assert await caller.items(new_id(), role) == [], role


async def test_a_case_message_is_seen_only_by_safeguarding_people_who_were_told_of_that_case(
    world: World, caller: Caller
) -> None:
    officer, deputy, other = [await world.knows(key) for key in ("officer", "deputy", "other")]
    opened = case_opened(officer, deputy)
    await world.hears(opened, case_opened(other))
    await world.send()
    assert len(await caller.items(officer, Role.OFFICER, about=opened.case_id)) == 2
    assert len(await caller.items(officer, Role.TRAINER)) == 1, "no longer an officer: only what was sent to them"
    assert await caller.items(other, Role.HEAD, about=opened.case_id) == [], (
        "excluded, or never told: as if it were not"
    )
    assert await caller.items(new_id(), Role.COORDINATOR) == []
    assert await caller.items(new_id(), Role.OFFICER) == []


async def test_the_log_can_be_filtered_and_read_page_by_page(
    world: World, caller: Caller, client: httpx.AsyncClient
) -> None:
    mita = new_id()
    luz = await world.knows("luz", zone="America/Lima")
    mill = await world.knows_enterprise("rahman")
    offers = [offered(luz, mill) for _ in range(5)]
    for offer in offers:
        await world.hears(scheduled(offer), offer)
    await world.send()
    assert len(await caller.items(mita, Role.COORDINATOR, state="held")) == 5
    assert await caller.items(mita, Role.COORDINATOR, state="queued") == []
    assert len(await caller.items(mita, Role.COORDINATOR, about=offers[0].visit_id)) == 1
    assert len(await caller.items(mita, Role.COORDINATOR, recipient=luz)) == 5
    seen, cursor = [], None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(MESSAGES, headers=caller.headers(mita, Role.COORDINATOR), params=params)).json()
        seen += [item["message_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


async def test_preferences_are_kept_and_followed(world: World, caller: Caller, client: httpx.AsyncClient) -> None:
    rina = await world.knows("rina", channels=(Channel.EMAIL, Channel.SMS))
    headers = caller.headers(rina, Role.TRAINER)
    before = (await client.get(PREFERENCES, headers=headers)).json()
    assert before == {
        "channels": ["email", "sms"],
        "quiet": {"starts": "20:00:00", "ends": "07:00:00"},
        "language": None,
    }
    wanted = {"channels": ["sms", "email"], "quiet": None, "language": "es"}
    key = {"Idempotency-Key": "a-fresh-key"}
    for _ in range(2):
        answer = await client.put(PREFERENCES, headers=headers | key, json=wanted)
        assert (answer.status_code, answer.json()) == (200, wanted)
    reused = await client.put(PREFERENCES, headers=headers | key, json=wanted | {"language": "vi"})
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    offer = offered(rina, await world.knows_enterprise("rahman"))
    await world.hears(scheduled(offer), offer)
    await world.send()
    assert world.sms.texts[0]["text"].startswith("¿Puede hacer una visita")


async def test_preferences_that_make_no_sense_say_which_field(
    world: World, caller: Caller, client: httpx.AsyncClient
) -> None:
    wrong: list[tuple[dict[str, object], str]] = [
        ({"channels": []}, "channels"),
        ({"channels": ["pigeon"]}, "channels.0"),
        ({"channels": ["sms", "sms"]}, "body"),
        ({"channels": ["sms"], "quiet": {"starts": "25:00", "ends": "07:00"}}, "quiet.starts"),
        ({"channels": ["sms"], "language": "tlh"}, "language"),
        ({"channels": ["sms"], "extra": 1}, "extra"),
    ]
    for body, field in wrong:
        headers = caller.headers(new_id(), Role.TRAINER) | {"Idempotency-Key": str(new_id())}
        answer = await client.put(PREFERENCES, headers=headers, json=body)
        assert answer.status_code == 422, body
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await world.pool.fetchval("select count(*) from preferences") == 0


async def test_a_command_without_a_key_is_refused(caller: Caller, client: httpx.AsyncClient) -> None:
    headers = caller.headers(new_id(), Role.TRAINER)
    assert (await client.put(PREFERENCES, headers=headers, json={"channels": ["sms"]})).status_code == 422


async def test_nothing_is_open_without_a_sign_in(client: httpx.AsyncClient) -> None:
    for path in (MESSAGES, PREFERENCES, "/notifications/", "/notifications/log", "/notifications/preferences"):
        assert (await client.get(path)).status_code == 401, path
        assert (await client.get(path, headers={HEADER: "forged"})).status_code == 401, path


async def test_the_pages_show_what_the_api_knows(world: World, caller: Caller, client: httpx.AsyncClient) -> None:
    rina = await world.knows("rina", name="<b>Rina</b>")
    offer = offered(rina, await world.knows_enterprise("rahman"))
    await world.hears(scheduled(offer), offer)
    mine = await client.get("/notifications/", headers=caller.headers(rina, Role.TRAINER))
    assert mine.status_code == 200
    assert "Visit offered" in mine.text
    log = await client.get("/notifications/log", headers=caller.headers(new_id(), Role.COORDINATOR))
    assert "&lt;b&gt;Rina&lt;/b&gt;" in log.text
    assert (await client.get("/notifications/log", headers=caller.headers(rina, Role.TRAINER))).status_code == 403


async def test_the_preferences_form_saves_and_comes_back_with_what_is_wrong(
    world: World, caller: Caller, client: httpx.AsyncClient
) -> None:
    rina = await world.knows("rina")
    headers = caller.headers(rina, Role.TRAINER)
    page = await client.get("/notifications/preferences", headers=headers)
    assert 'name="idempotency_key"' in page.text
    form = {"idempotency_key": str(new_id()), "first": "sms", "quiet": "true", "starts": "21:30", "ends": "06:00"}
    saved = await client.post("/notifications/preferences", headers=headers, data=form)
    assert saved.status_code == 303
    now = (await client.get(PREFERENCES, headers=headers)).json()
    assert now == {"channels": ["sms", "email"], "quiet": {"starts": "21:30:00", "ends": "06:00:00"}, "language": None}
    for wrong, said in (
        ({"starts": "", "ends": ""}, "Say from when until when."),
        ({"starts": "soon"}, "Write the times as 20:00 and 07:00."),
        ({"first": "pigeon"}, "field-first"),
    ):
        refused = await client.post(
            "/notifications/preferences", headers=headers, data=form | wrong | {"idempotency_key": str(new_id())}
        )
        assert refused.status_code == 422
        assert said in refused.text


REACH = "/notifications/api/reach"


async def reached(caller: Caller, client: httpx.AsyncClient, country: str = "BD", **ids: list[UUID]) -> httpx.Response:
    headers = caller.headers(new_id(), Role.COORDINATOR, country=country)
    return await client.get(REACH, headers=headers, params={name: [str(one) for one in of] for name, of in ids.items()})


async def test_the_first_channel_that_reaches_somebody_is_named_without_an_address(
    world: World,
    caller: Caller,
    client: httpx.AsyncClient,
) -> None:
    mailed = await world.knows("rina", channels=(Channel.EMAIL, Channel.SMS))
    texted = await world.knows("karim", channels=(Channel.SMS,))
    silent = await world.knows("mute", channels=())
    answer = await reached(caller, client, person=[mailed, texted, silent])
    items = {one["about"]: one for one in answer.json()["items"]}
    assert {one: items[str(one)]["channel"] for one in (mailed, texted, silent)} == {
        mailed: "email", texted: "sms", silent: None,
    }  # fmt: skip
    assert items[str(mailed)]["not_before"]
    assert "@" not in answer.text


async def test_an_enterprise_is_reached_through_its_contacts(
    world: World, caller: Caller, client: httpx.AsyncClient
) -> None:
    site = await world.knows_enterprise("rahman")
    answer = await reached(caller, client, enterprise=[site])
    assert {one["about"] for one in answer.json()["items"]} == {str(site)}


async def test_nobody_of_another_country_is_shown(world: World, caller: Caller, client: httpx.AsyncClient) -> None:
    mailed = await world.knows("rina", channels=(Channel.EMAIL,))
    assert (await reached(caller, client, country="PE", person=[mailed])).json() == {"items": []}
    trainer = await client.get(REACH, headers=caller.headers(new_id(), Role.TRAINER))
    assert trainer.status_code == 403


async def test_pages_of_others_show_it_by_name(world: World, caller: Caller, client: httpx.AsyncClient) -> None:
    rina = await world.knows("rina", name="Rina Das", channels=(Channel.SMS,))
    headers = caller.headers(new_id(), Role.COORDINATOR)
    shown = await client.get("/notifications/fragments/reach", headers=headers, params={"person": str(rina)})
    assert shown.status_code == 200
    assert "Rina Das" in shown.text
    assert "SMS" in shown.text
