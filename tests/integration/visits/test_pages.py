"""The pages work by hand, without a script: what a trainer, an officer and a coordinator do with them."""

import re
from typing import Any
from uuid import UUID

import httpx

from shared.contracts.action import ActionOpened
from shared.contracts.case import CaseOpened
from shared.contracts.visit import VisitConfirmed, VisitReported
from shared.ids import new_id
from tests.harness.facts import emitted
from tests.integration.visits.conftest import World


async def page(world: World, path: str, *, by: UUID, status: int = 200) -> str:
    answer = await world.http.get(path, headers=world.headers(by) | {"Accept": "text/html"})
    assert answer.status_code == status, answer.text
    return answer.text


async def send(world: World, path: str, data: Any, *, by: UUID) -> httpx.Response:
    headers = world.headers(by) | {"Accept": "text/html"}
    return await world.http.post(path, data=data, headers=headers)


def key_in(html: str) -> str:
    found = re.search(r'name="idempotency_key" value="([^"]+)"', html)
    assert found is not None
    return found.group(1)


def hidden(html: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]+)"', html)


async def test_a_trainer_accepts_on_the_first_page(world: World) -> None:
    await world.schedule()
    html = await page(world, "/visits/", by=world.people.trainer)
    assert "Padma Knitwear" in html
    assert "Raise a zero-tolerance suspicion" in html
    action = re.search(r'action="(/visits/visits/[^"]+/accept)"', html)
    assert action is not None
    answer = await send(
        world, action.group(1), {"idempotency_key": key_in(html), "offer": "1"}, by=world.people.trainer
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/visits/")
    assert len(await emitted(world.pool, VisitConfirmed)) == 1


async def test_a_decline_without_a_reason_comes_back_with_the_fault(world: World) -> None:
    visit_id = await world.schedule()
    html = await page(world, f"/visits/visits/{visit_id}", by=world.people.trainer)
    data = {"idempotency_key": key_in(html), "offer": "1", "reason": ""}
    answer = await send(world, f"/visits/visits/{visit_id}/decline", data, by=world.people.trainer)
    assert answer.status_code == 422
    assert "Say why" in answer.text


async def test_a_report_grows_by_a_finding_keeps_what_was_typed_and_is_sent(world: World) -> None:
    visit_id = await world.visit_under_way()
    path, trainer = f"/visits/visits/{visit_id}/report", world.people.trainer
    html = await page(world, path, by=trainer)
    data: dict[str, Any] = {
        "idempotency_key": key_in(html),
        "report_id": hidden(html, "report_id")[0],
        "finding_id": hidden(html, "finding_id"),
        "whole": "yes",
        "managers": "2",
        "workers": "4",
        "summary": "Five stations done.",
        "finding_item": ["3"],
        "finding_grade": ["minor"],
        "finding_text": ["Exit blocked."],
    }
    grown = await send(world, path, data | {"add": "finding"}, by=trainer)
    assert grown.status_code == 200
    assert "Five stations done." in grown.text
    assert "Exit blocked." in grown.text
    ids = hidden(grown.text, "finding_id")
    assert len(ids) == 2
    data |= {
        "finding_id": ids,
        "finding_item": ["3", ""],
        "finding_grade": ["minor", "observation"],
        "finding_text": ["Exit blocked.", "What does it concern?"],
    }
    refused = await send(world, path, data, by=trainer)
    assert refused.status_code == 422
    assert "Each finding needs both" in refused.text
    assert not await emitted(world.pool, VisitReported)
    data["finding_text"] = ["Exit blocked.", ""]
    sent = await send(world, path, data, by=trainer)
    assert sent.status_code == 303
    assert len(await emitted(world.pool, VisitReported)) == 1
    assert len(await emitted(world.pool, ActionOpened)) == 1
    assert "Exit blocked." in await page(world, f"/visits/visits/{visit_id}", by=trainer)


async def test_a_text_without_its_item_is_a_fault_also_in_the_only_row(world: World) -> None:
    visit_id = await world.visit_under_way()
    path, trainer = f"/visits/visits/{visit_id}/report", world.people.trainer
    html = await page(world, path, by=trainer)
    data = {
        "idempotency_key": key_in(html),
        "report_id": hidden(html, "report_id")[0],
        "finding_id": hidden(html, "finding_id"),
        "whole": "yes",
        "finding_item": [""],
        "finding_grade": ["minor"],
        "finding_text": ["Exit blocked."],
    }
    assert (await send(world, path, data, by=trainer)).status_code == 422


async def test_a_suspicion_is_raised_on_a_phone_with_the_guidance_beside_it(world: World) -> None:
    visit_id = await world.visit_under_way()
    trainer = world.people.trainer
    html = await page(world, f"/visits/suspicion?visit={visit_id}", by=trainer)
    assert "Do not investigate" in html
    assert "Do not promise confidentiality" in html
    assert "Living wages" not in html, "only what the pack calls zero tolerance can be chosen"
    data = {
        "idempotency_key": key_in(html),
        "finding_id": hidden(html, "finding_id")[0],
        "visit_id": str(visit_id),
        "item": "4",
        "text": "A child at a press.",
    }
    missing = await send(world, "/visits/suspicion", data | {"text": ""}, by=trainer)
    assert missing.status_code == 422
    for _ in range(2):
        answer = await send(world, "/visits/suspicion", data, by=trainer)
        assert "It arrived" in answer.text
    assert len(await emitted(world.pool, CaseOpened)) == 1


async def test_an_officer_runs_a_case_by_hand_and_a_second_person_closes_it(world: World) -> None:
    case_id = await world.raise_case()
    people = world.people
    listed = await page(world, "/visits/cases", by=people.officer)
    assert f"/visits/cases/{case_id}" in listed
    assert "Padma" not in listed
    path = f"/visits/cases/{case_id}"

    async def press(act: str, by: UUID, **data: str) -> httpx.Response:
        key = key_in(await page(world, path, by=by))
        return await send(world, f"{path}/{act}", {"idempotency_key": key} | data, by=by)

    assert (await press("acknowledge", people.officer)).status_code == 303
    assert (await press("note", people.officer, text="Went there.")).status_code == 303
    assert (await press("confirm", people.officer, text="Seen.")).status_code == 303
    refused = await press("propose", people.officer, outcome="resolved")
    assert refused.status_code == 422
    assert "resolved without a verification visit" in refused.text
    assert (await press("verification", people.officer)).status_code == 303
    assert (await press("propose", people.officer, outcome="resolved", text="At school.")).status_code == 303
    assert (await press("return", people.deputy, text="See the register.")).status_code == 303
    assert (await press("propose", people.officer, outcome="resolved", text="Seen.")).status_code == 303
    assert (await press("approve", people.deputy)).status_code == 303
    closed = await page(world, path, by=people.officer)
    for shown in ("Went there.", "See the register.", "At school.", "Closed", "Who was alerted", "Resolved"):
        assert shown.lower() in closed.lower()


async def test_a_case_that_is_not_ones_own_to_see_is_a_page_that_is_not_there(world: World) -> None:
    case_id = await world.raise_case(named=(world.people.officer,))
    for path in (f"/visits/cases/{case_id}", f"/visits/cases/{new_id()}"):
        assert "There is no such case" in await page(world, path, by=world.people.officer, status=404)
    assert str(case_id) not in await page(world, "/visits/cases", by=world.people.officer)
    answer = await send(
        world, f"/visits/cases/{case_id}/acknowledge", {"idempotency_key": str(new_id())}, by=world.people.officer
    )
    assert answer.status_code == 404


async def test_an_officer_raises_a_case_by_hand(world: World) -> None:
    html = await page(world, "/visits/cases/raise", by=world.people.officer)
    data = {"idempotency_key": key_in(html), "country": "BD", "item": "9", "text": "A worker called."}
    answer = await send(world, "/visits/cases/raise", data, by=world.people.officer)
    assert answer.status_code == 303
    assert "A worker called." in await page(world, answer.headers["location"], by=world.people.deputy)


async def test_an_enterprise_submits_evidence_and_a_coordinator_decides(world: World) -> None:
    visit_id = await world.visit_under_way()
    body = {"findings": [{"item": 3, "grade": "minor", "text": "Exit blocked."}]}
    people = world.people
    answer = await world.post(f"/visits/api/visits/{visit_id}/report", body, by=people.trainer, status=201)
    path = f"/visits/actions/{answer.json()['action_ids'][0]}"
    assert path in await page(world, "/visits/actions", by=people.manager)

    async def press(act: str, by: UUID, **data: str) -> httpx.Response:
        key = key_in(await page(world, path, by=by))
        return await send(world, f"{path}/{act}", {"idempotency_key": key} | data, by=by)

    assert (await press("evidence", people.manager)).status_code == 422
    assert (await press("evidence", people.manager, text="Cleared.")).status_code == 303
    assert (await press("return", people.coordinator, text="Which door?")).status_code == 303
    assert (await press("evidence", people.manager, text="Both doors.")).status_code == 303
    assert (await press("verify", people.coordinator)).status_code == 303
    shown = await page(world, path, by=people.manager)
    assert "Verified" in shown
    assert "Which door?" in shown


async def test_nothing_is_open_without_a_sign_in(world: World) -> None:
    for path in ("/visits/", "/visits/cases", "/visits/actions", "/visits/suspicion"):
        answer = await world.http.get(path, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/directory/sign-in")
    for path in ("/visits/api/visits", "/visits/api/cases", "/visits/api/packs"):
        assert (await world.http.get(path)).status_code == 401


async def test_the_packs_are_there_to_be_read(world: World) -> None:
    packs = await world.get("/visits/api/packs", by=world.people.trainer)
    assert {(pack["pack"], pack["version"]) for pack in packs["items"]} == {
        ("score-default", 1),
        ("corrective-default", 1),
    }
