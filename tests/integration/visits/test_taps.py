"""One tap answers for one person, one thing, one action; looking at it changes nothing."""

from uuid import UUID

import httpx

from shared.contracts.case import CaseAcknowledged
from shared.contracts.visit import VisitConfirmed, VisitDeclined, VisitReported
from tests.harness.facts import emitted
from tests.integration.visits.conftest import World

HTML = {"Accept": "text/html"}


async def look(world: World, token: str) -> httpx.Response:
    return await world.http.get("/visits/tap", params={"t": token}, headers=HTML)


async def press(world: World, token: str, **more: str) -> httpx.Response:
    return await world.http.post("/visits/tap", data={"t": token} | more, headers=HTML)


async def state(world: World, visit_id: UUID) -> str:
    found: str = await world.pool.fetchval("select state from visits where visit_id = $1", visit_id)
    return found


async def test_looking_changes_nothing_and_pressing_twice_answers_once(world: World) -> None:
    visit_id = await world.schedule()
    token = world.tap("accept", visit_id, world.people.trainer, offer="1")
    shown = await look(world, token)
    assert shown.status_code == 200
    assert "Padma Knitwear" in shown.text
    assert await state(world, visit_id) == "offered"
    for _ in range(2):
        assert "The visit is yours" in (await press(world, token)).text
    assert await state(world, visit_id) == "confirmed"
    assert len(await emitted(world.pool, VisitConfirmed)) == 1


async def test_declining_by_tap_says_why(world: World) -> None:
    visit_id = await world.schedule()
    token = world.tap("decline", visit_id, world.people.trainer, offer="1")
    await press(world, token, reason="illness")
    (declined,) = await emitted(world.pool, VisitDeclined)
    assert declined.reason == "illness"


async def test_a_tap_on_an_older_offer_says_what_happened(world: World) -> None:
    visit_id = await world.schedule()
    accept = world.tap("accept", visit_id, world.people.trainer, offer="1")
    await press(world, world.tap("decline", visit_id, world.people.trainer, offer="1"))
    answer = await press(world, accept)
    assert answer.status_code == 409
    assert "You declined this visit" in answer.text


async def test_done_with_nothing_to_note_is_a_whole_report(world: World) -> None:
    visit_id = await world.visit_under_way()
    token = world.tap("report_done", visit_id, world.people.trainer)
    await look(world, token)
    assert not await emitted(world.pool, VisitReported)
    for _ in range(2):
        assert (await press(world, token)).status_code == 200
    (reported,) = await emitted(world.pool, VisitReported)
    assert (reported.visit_id, reported.whole) == (visit_id, True)


async def test_done_is_refused_before_the_visit_starts(world: World) -> None:
    visit_id = await world.schedule()
    answer = await press(world, world.tap("report_done", visit_id, world.people.trainer))
    assert answer.status_code == 409
    assert "it can be reported from then on" in answer.text


async def test_a_case_is_acknowledged_by_tap_and_shows_nothing_of_itself(world: World) -> None:
    case_id = await world.raise_case(text="canary-of-the-tap")
    token = world.tap("acknowledge", case_id, world.people.officer, step="1")
    shown = (await look(world, token)).text + (await press(world, token)).text
    shown = shown.replace(token, "")  # it is sealed, and by chance its letters spell anything
    for secret in ("canary", "Padma", "child labour", "BD"):
        assert secret not in shown
    (fact,) = await emitted(world.pool, CaseAcknowledged)
    assert fact.owner_id == world.people.officer


async def test_a_link_of_somebody_else_or_for_something_else_is_worth_nothing(world: World) -> None:
    visit_id = await world.schedule()
    for person in (world.people.other_trainer, world.people.coordinator):
        assert (await press(world, world.tap("accept", visit_id, person, offer="1"))).status_code in {403, 404}
    assert (await press(world, world.tap("verify", visit_id, world.people.trainer))).status_code == 404
    assert (await press(world, "not-a-token")).status_code == 404
    assert await state(world, visit_id) == "offered"


async def test_an_excluded_person_has_no_tap(world: World) -> None:
    case_id = await world.raise_case(named=(world.people.officer,))
    token = world.tap("acknowledge", case_id, world.people.officer)
    assert (await look(world, token)).status_code == 404
    assert (await press(world, token)).status_code == 404
