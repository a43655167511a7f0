"""Plans change, and visits verify: another day, somebody else, a visit for an action and one for a case, the end of a cohort."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from playwright.async_api import expect

from tests.browser.story.cast import COORDINATOR, OFFICER, Story
from tests.browser.visitor import PHONE, Visitor

_FOLLOW_UP = "Follow-up visit"


async def make_the_visits_that_verify(story: Story) -> None:
    """Two visits that nobody can tell apart are accepted, made and reported: one verifies an action, one a case."""
    coordinator = await story.visitor(COORDINATOR)
    await coordinator.open("/visits/", look=False)
    cards = coordinator.page.locator(".visit-card").filter(has_text=_FOLLOW_UP)
    await expect(cards).to_have_count(2)
    addresses = [await link.get_attribute("href") for link in await cards.get_by_role("link").all()]
    visits = []
    for address in addresses:
        assert address
        trainer, ends = await _asked(coordinator, address)
        phone = await story.visitor(await _key_of(story, trainer), PHONE)
        await phone.open(address)
        await phone.press("Accept")
        await phone.open(address, look=False)
        await phone.sees("Confirmed")
        visits.append((ends, address, phone))
    await story.world.settle()

    for ends, address, phone in sorted(visits, key=lambda visit: visit[0]):
        await story.world.advance_to(max(ends + timedelta(hours=1), story.world.clock.now()))
        await phone.open(f"{address}/report")
        await phone.page.get_by_label("Everything that was planned").check()
        await phone.fill(managers="1", workers="2", summary="Looked at what had been promised; it is as it should be.")
        await phone.press("Send the report")
        await phone.sees("Reported")
        await story.world.settle()

    await coordinator.open("/visits/actions")
    await coordinator.follow(coordinator.page.locator("td a").first)
    await coordinator.press("It is done: verify")
    await coordinator.sees("Verified")
    officer = await story.visitor(OFFICER)
    await officer.open(story.case)
    await officer.sees("Verification visit", "Visit made")
    take = officer.page.get_by_role("button", name=re.compile("I take this case|Take it over")).first
    if await take.count():  # its owner was away for weeks: it came back and stood with everybody
        await officer.press(take)
        await officer.sees("Somebody has it")
    await story.world.settle()


async def choose_how_to_be_reached(story: Story) -> None:
    """Language and quiet hours are one's own choice, and a wrong one says so."""
    trainer = await story.visitor(story.trainer, PHONE)
    await trainer.open("/notifications/preferences")
    await trainer.page.get_by_label("Write to me in").select_option("es")
    await trainer.page.get_by_label("Keep quiet at night").check()
    await trainer.fill(starts="21:00", ends="07:30")
    await trainer.press("Save")
    await trainer.sees("Saved. It counts for messages from now on.")
    await trainer.open("/notifications/preferences", look=False)
    await expect(trainer.page.get_by_label("Write to me in")).to_have_value("es")
    await expect(trainer.page.locator("[name=starts]")).to_have_value("21:00")


async def ask_for_another_day(story: Story) -> None:
    """A trainer who cannot come asks for another date; the answer is a new offer with its own invitation."""
    address, phone = await _a_confirmed_visit_ahead(story)
    starts, _ = await _times(phone)
    await phone.page.locator("summary", has_text="Ask for another date").click()
    await phone.page.get_by_label("Why").last.select_option("enterprise_request")
    await phone.press("Ask for another date")
    await story.world.settle()
    await phone.open(address)
    moved, _ = await _times(phone)
    assert moved != starts, "another day was found"
    await phone.sees("Waiting for your answer")
    await phone.press("Accept")
    await phone.open(address, look=False)
    await phone.sees("Confirmed")
    await story.world.settle()


async def find_another_trainer(story: Story) -> None:
    """A coordinator takes a visit from one trainer: the next best is asked, and the first one is told."""
    address, phone = await _a_confirmed_visit_ahead(story)
    visit_id = address.rsplit("/", 1)[1]
    coordinator = await story.visitor(COORDINATOR)
    former, _ = await _asked(coordinator, address)
    await coordinator.open(f"/scheduler/visits/{visit_id}")
    await coordinator.page.get_by_label("another trainer").check()
    await coordinator.press("Look for it")
    await story.world.settle()
    await coordinator.open(f"/scheduler/visits/{visit_id}")
    await coordinator.sees("You asked for a change", "Given to somebody else")
    now, _ = await _asked(coordinator, address)
    assert now != former
    answer = await phone.page.goto(phone.origin + address)
    assert answer is not None
    assert answer.status == 404, "it is not theirs to see any more"


async def end_the_cohort(story: Story) -> None:
    """Cancelling asks first, says what follows, and takes what has not begun out of the timetable."""
    coordinator = await story.visitor(COORDINATOR)
    await coordinator.open(story.cohort, look=False)
    await coordinator.follow(re.compile("^Cancel"))
    await coordinator.sees("Cancel this cohort?", "those who were asked or invited are told")
    await coordinator.follow("Keep it", look=False)
    await coordinator.follow(re.compile("^Cancel"), look=False)
    await coordinator.fill(reason="The programme ends in this region.")
    await coordinator.press("Cancel the cohort")
    await coordinator.sees("Cancelled")
    await story.world.settle()
    await coordinator.open("/visits/")
    await expect(coordinator.page.get_by_role("heading", name="Coming up")).to_have_count(0)
    await expect(coordinator.page.get_by_role("heading", name="Waiting for an answer")).to_have_count(0)


async def _a_confirmed_visit_ahead(story: Story) -> tuple[str, Visitor]:
    """The first visit at a factory that is still to come, at its page in its trainer's browser."""
    coordinator = await story.visitor(COORDINATOR)
    await coordinator.open("/visits/", look=False)
    ahead = coordinator.page.locator("h2:text-is('Coming up') + .cards .visit-card").filter(has_text="Consultancy visit")
    address = await ahead.first.get_by_role("link").get_attribute("href")
    assert address
    trainer, _ = await _asked(coordinator, address)
    phone = await story.visitor(await _key_of(story, trainer), PHONE)
    await phone.open(address)
    return address, phone


async def _asked(reader: Visitor, address: str) -> tuple[str, datetime]:
    """Whose visit this is, by name, and when it ends."""
    await reader.open(address, look=False)
    facts = reader.page.locator("dl.facts > div")
    trainer = await facts.filter(has=reader.page.get_by_text("Trainer", exact=True)).locator("dd").inner_text()
    return trainer, (await _times(reader))[1]


async def _times(reader: Visitor) -> tuple[datetime, datetime]:
    found = reader.page.locator("dl.facts time")
    starts, ends = [await found.nth(number).get_attribute("datetime") for number in range(2)]
    assert starts
    assert ends
    return datetime.fromisoformat(starts), datetime.fromisoformat(ends)


async def _key_of(story: Story, name: str) -> str:
    people = await story.world.administrator.get("/directory/api/people", country="BD", role="trainer", q=name)
    (key,) = [str(one["key"]) for one in people["items"] if one["name"] == name]
    return key
