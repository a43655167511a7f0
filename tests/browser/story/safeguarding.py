"""The officer is alerted, takes the case by one tap, and runs it to its closure with a second person."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.story.cast import COORDINATOR, HEAD, OFFICER, SEEN, Story
from tests.browser.visitor import PHONE

_ALERT = re.compile("Case .* needs you")


async def take_the_case(story: Story) -> None:
    """The mail and its one-tap page show nothing of what was seen."""
    phone = await story.stranger(PHONE)
    await phone.open_mail(OFFICER, _ALERT)
    await phone.does_not_see(SEEN[:20], story.site)
    await phone.follow(phone.leading_to("/visits/tap"))
    await phone.does_not_see(SEEN[:20], story.site)
    await phone.press("I take it")
    await phone.sees("The case is yours now.")
    await story.world.settle()


async def run_the_case(story: Story) -> None:
    """List, case, note, confirm, ask for a verification visit."""
    officer = await story.visitor(OFFICER)
    await officer.open("/directory/")
    await officer.sees("Cases", "Child labour", "You")
    await officer.picture("cases")
    await officer.follow("Child labour")
    await officer.sees(SEEN, "Somebody has it", story.site)
    story.case = officer.page.url
    await officer.page.get_by_label("What you did or learned").fill(" ")
    await officer.press("Write it down")
    await officer.sees("Write something down first.")
    await officer.page.get_by_label("What you did or learned").fill("Spoke with the school; the family is known there.")
    await officer.press("Write it down")
    await officer.sees("Spoke with the school")
    await officer.page.get_by_label("What confirms it").fill("Papers seen: she is thirteen.")
    await officer.press(officer.page.get_by_role("button", name="Confirm", exact=True))
    await officer.sees("Papers seen", "onfirmed")
    await officer.press("Ask for a verification visit")
    await story.world.settle()
    await officer.open(story.case)
    await officer.sees("Verification visit")
    await officer.picture("case")
    await officer.open("/visits/cases/raise")


async def see_it_as_any_follow_up(story: Story) -> None:
    """A coordinator cannot tell the verification visit from the follow-up of an ordinary finding."""
    coordinator = await story.visitor(COORDINATOR)
    await coordinator.open("/visits/actions")
    await coordinator.follow(coordinator.page.locator("td a").first)
    await coordinator.press("Ask for a follow-up visit")
    await story.world.settle()
    await coordinator.open("/visits/", look=False)
    cards = coordinator.page.locator(".visit-card").filter(has_text="Follow-up visit")
    await expect(cards).to_have_count(2)
    seen = []
    for number in range(2):
        await coordinator.open("/visits/")
        await coordinator.follow(cards.nth(number).get_by_role("link").first)
        await coordinator.does_not_see("verification", "zero", "suspicion", story.case.rsplit("/", 1)[1])
        here = _labels(await coordinator.page.locator("main").inner_text())
        visit_id = coordinator.page.url.rsplit("/", 1)[1]
        await coordinator.open(f"/scheduler/visits/{visit_id}")
        await coordinator.does_not_see("verification", "zero", "suspicion")
        seen.append((here, _labels(await coordinator.page.locator("main").inner_text())))
    assert seen[0] == seen[1]


async def close_with_a_second_person(story: Story) -> None:
    """One proposes; the same one cannot approve; the head does."""
    officer = await story.visitor(OFFICER)
    await officer.open(story.case, look=False)
    await officer.page.get_by_label("How it ended").select_option("resolved")
    await officer.page.locator("#propose-text").fill("She is at school; the family receives support.")
    await officer.press("Propose to close")
    await officer.sees("Waiting for a second person")
    await expect(officer.page.get_by_role("button", name="Approve")).to_have_count(0)
    await story.world.settle()

    head = await story.visitor(HEAD)
    await head.open_mail(HEAD, "a second person is needed")
    await head.follow(head.leading_to("/visits/cases/"))
    await head.sees("proposes to close it", "resolved")
    await head.press("Approve and close")
    await head.sees("Closed")
    await story.world.settle()
    await officer.open("/visits/cases")
    await officer.sees("No open cases.", "Resolved")


async def put_it_right(story: Story) -> None:
    """The enterprise's contact gets the action by mail and answers with evidence; the coordinator sees it."""
    coordinator = await story.visitor(COORDINATOR)
    await coordinator.open("/visits/actions", look=False)
    await coordinator.follow(coordinator.page.locator("td a").first)
    action = coordinator.page.url
    contact = await _owner_of(story)
    manager = await story.visitor(contact, PHONE)
    await manager.open_mail(contact, "An action for you")
    await manager.follow(manager.leading_to("/visits/actions/"))
    assert manager.page.url == action
    await manager.sees("The emergency exit")
    await manager.does_not_see("zero", "suspicion", "Decide")
    await manager.page.get_by_label("What was done").fill("The exit is clear; a yellow line on the floor keeps it so.")
    await manager.press("Submit")
    await manager.sees("a yellow line")
    await manager.picture("action")
    await manager.follow("Actions")
    await story.world.settle()
    await coordinator.open(action)
    await coordinator.sees("a yellow line")
    await coordinator.page.get_by_label("What is missing").fill("Please add who looks after the line.")
    await coordinator.press("Return it")
    await coordinator.sees("Please add who looks after the line.")
    await manager.open(action)
    await manager.sees("Please add who looks after the line.")
    await manager.page.get_by_label("What was done").fill("The head of the packing hall looks after it, each morning.")
    await manager.press("Submit")
    await manager.sees("looks after it, each morning")
    await story.world.settle()


async def _owner_of(story: Story) -> str:
    """Key of the enterprise's contact: the one whose mailbox has the action."""
    reader = await story.stranger()
    await reader.open("/inbox/", look=False)
    line = reader.page.locator(".messages li").filter(has_text="An action for you").first
    return (await line.locator(".who").inner_text()).partition("@")[0].upper()


def _labels(text: str) -> list[str]:
    """What a page says, without its names, days and numbers."""
    words = re.sub(r"\b\d[\d:.–-]*\b", "#", text)
    return sorted({line for line in words.splitlines() if re.fullmatch(r"[A-Z][a-z -]+[?:]?|[A-Z][a-z ]+\.", line)})
