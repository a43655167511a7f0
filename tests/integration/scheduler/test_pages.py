"""A coordinator can do all of it by hand, and sees why."""

from __future__ import annotations

import re
from uuid import uuid4

import httpx

from shared.contracts.booking import BookingReassigned
from shared.contracts.cohort import CohortCreated

from .conftest import FIRST, LAST, ClosedDays, Programme, date
from .test_answers import declined


def hidden(page: str, name: str) -> str:
    """What stands in a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, f"no field {name}"
    return found.group(1)


async def submit(bd: Programme, path: str, **fields: object) -> httpx.Response:
    async with bd.client() as client:
        return await client.post(path, data=fields, headers={"accept": "text/html"})


def chosen(bd: Programme, *keys: str) -> list[str]:
    return [str(bd.enterprises[key]) for key in keys]


async def test_the_form_checks_and_creates(bd: Programme) -> None:
    page = (await bd.get("/cohorts/new")).text
    assert "Factory BD-E1" in page
    fields = {
        "idempotency_key": hidden(page, "idempotency_key"),
        "country": "BD",
        "module": "WC",
        "first_day": FIRST.isoformat(),
        "last_day": LAST.isoformat(),
        "enterprises": chosen(bd, "BD-E1", "BD-E2", "BD-E3"),
    }
    checked = await submit(bd, "/cohorts/new", step="check", **fields)
    assert checked.status_code == 200
    assert "10 visits at 3 enterprises, 4 certified trainers" in checked.text
    assert await bd.facts(CohortCreated) == []

    created = await submit(bd, "/cohorts/new", step="create", **fields)
    again = await submit(bd, "/cohorts/new", step="create", **fields)
    assert created.status_code == again.status_code == 303
    assert created.headers["location"] == again.headers["location"]
    assert len(await bd.facts(CohortCreated)) == 1


async def test_a_form_that_is_not_right_comes_back_as_it_was_with_each_fault_beside_its_field(bd: Programme) -> None:
    answer = await submit(
        bd,
        "/cohorts/new",
        step="create",
        idempotency_key=str(uuid4()),
        country="BD",
        module="WC",
        first_day="2026-03-08",
        last_day="2026-03-10",
        enterprises=chosen(bd, "BD-E2"),
    )
    assert answer.status_code == 422
    assert 'id="field-last_day-error"' in answer.text
    assert 'id="field-enterprises-error"' in answer.text
    assert f'value="{bd.enterprises["BD-E2"]}" checked' in answer.text
    assert 'value="2026-03-08"' in answer.text

    empty = await submit(bd, "/cohorts/new", step="create", idempotency_key=str(uuid4()))
    assert (empty.status_code, empty.text.count("Please fill this in.") > 0) == (422, True)


async def test_searching_keeps_what_is_chosen_on_top(bd: Programme) -> None:
    query = f"?country=BD&module=WC&q=e5&enterprises={bd.enterprises['BD-E1']}"
    part = (await bd.get(f"/cohorts/new/enterprises{query}")).text
    assert re.findall(r"Factory (BD-E\d)", part) == ["BD-E1", "BD-E5"]
    assert "<html" not in part
    assert "Factory" not in (await bd.get("/cohorts/new/enterprises?country=PE&q=")).text
    assert "Factory" not in (await bd.get("/cohorts/new/enterprises?country=BD&q=%25_")).text


async def test_planning_is_watched_and_published_after_a_look_at_who_is_told(bd: Programme) -> None:
    cohort_id = await bd.create(name="Spring")
    waiting = (await bd.get(f"/cohorts/{cohort_id}/board")).text
    assert 'hx-trigger="every 1s"' in waiting
    await bd.plan_all()
    board = (await bd.get(f"/cohorts/{cohort_id}/board")).text
    assert "every 1s" not in board
    assert board.count("slot-who") == 12  # nine visits, and the classroom at each of three enterprises

    asked = (await bd.get(f"/cohorts/{cohort_id}/publish")).text
    assert "Trainers who will be asked" in asked
    fields = {name: hidden(asked, name) for name in ("plan_id", "idempotency_key")}
    answer = await submit(bd, f"/cohorts/{cohort_id}/publish", **fields)
    assert answer.status_code == 303
    page = (await bd.get(f"/cohorts/{cohort_id}")).text
    assert "Published" in page
    assert page.count("Asked") == 12


async def test_today_shows_what_needs_a_hand_and_the_hand_works(bd: Programme) -> None:
    cohort_id = await bd.published()
    assert "Nothing needs you." in (await bd.get("/")).text
    visit = (await bd.bookings(cohort_id, "baseline"))[0]
    for _ in range(4):
        await bd.feeder.deliver(declined(visit))
        await bd.plan_all()
        visit = await bd.booking(visit["visit_id"])
    today = (await bd.get("/")).text
    assert "Without a place" in today
    assert "Nobody who could take it is left to ask." in today

    page = (await bd.get(f"/visits/{visit['visit_id']}")).text
    answer = await submit(
        bd,
        f"/visits/{visit['visit_id']}/replan",
        idempotency_key=hidden(page, "idempotency_key"),
        want="any_place",
        ask_again="true",
    )
    assert answer.status_code == 303
    await bd.plan_all()
    assert (await bd.booking(visit["visit_id"]))["state"] == "booked"
    assert "Without a place" not in (await bd.get("/")).text
    assert await bd.facts(BookingReassigned)


async def test_an_infeasible_cohort_says_why_beside_the_enterprise(bd: Programme) -> None:
    closed = (ClosedDays(first=date(2026, 3, 1), last=date(2026, 6, 30), reason="peak season"),)
    await bd.know_enterprise("BD-E2", closed=closed)
    cohort_id = await bd.create()
    await bd.plan_all()
    page = (await bd.get(f"/cohorts/{cohort_id}")).text
    assert "The enterprise is closed then" in page
    assert "What would help" in page
    refused = await submit(
        bd, f"/cohorts/{cohort_id}/publish", plan_id=hidden((await bd.get(f"/cohorts/{cohort_id}/publish")).text, "plan_id"),
        idempotency_key=str(uuid4()),
    )  # fmt: skip
    assert refused.status_code == 422
    assert "have no place" in refused.text


async def test_names_cannot_smuggle_markup_into_a_page(bd: Programme) -> None:
    await bd.know_enterprise("BD-E1", name="<script>alert(1)</script>")
    cohort_id = await bd.published(name="<img src=x>")
    for path in ("/", "/cohorts", f"/cohorts/{cohort_id}", "/cohorts/new"):
        page = (await bd.get(path)).text
        assert "<script>alert" not in page
        assert "<img src=x>" not in page


async def test_every_page_keeps_to_the_strict_policy(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit_id = (await bd.bookings(cohort_id))[0]["visit_id"]
    paths = (
        "/",
        "/cohorts",
        "/cohorts/new",
        f"/cohorts/{cohort_id}",
        f"/cohorts/{cohort_id}/cancel",
        f"/visits/{visit_id}",
    )
    for path in paths:
        answer = await bd.get(path)
        assert answer.status_code == 200, path
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", answer.text), path


async def test_cancelling_asks_for_a_reason(bd: Programme) -> None:
    cohort_id = await bd.create()
    refused = await submit(bd, f"/cohorts/{cohort_id}/cancel", idempotency_key=str(uuid4()))
    assert (refused.status_code, "Please fill this in." in refused.text) == (422, True)
    done = await submit(bd, f"/cohorts/{cohort_id}/cancel", idempotency_key=str(uuid4()), reason="The donor stopped")
    assert done.status_code == 303
    assert "The donor stopped" in (await bd.get(f"/cohorts/{cohort_id}")).text
