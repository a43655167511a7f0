"""Trainers answer from their mail, see their visits on a phone, and report."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from playwright.async_api import expect

from tests.browser.story.cast import COORDINATOR, SEEN, Story
from tests.browser.visitor import PHONE, Visitor

_OFFER = "Can you do this visit?"
_CASE_WORDS = ("suspicion", "zero-tolerance", "zero tolerance", SEEN[:20])


@dataclass(frozen=True)
class Invitation:
    """A line of the inbox: an offer with its calendar entry."""

    href: str
    trainer: str
    starts: datetime
    site: str


async def answer_in_mail(story: Story) -> None:
    """One tap shows the question on GET and answers it on POST, once, however often it is pressed."""
    phone = await story.stranger(PHONE)
    first = (await _invitations(phone))[0]
    story.trainer, story.site = first.trainer, first.site
    await phone.open(f"/inbox/?to={first.trainer.lower()}@programme.example")
    await phone.open(first.href)
    await expect(phone.page.locator("aside.calendar")).to_contain_text("Invitation")
    await expect(phone.page.locator("aside.calendar")).to_contain_text(first.site)
    await phone.picture("inbox-invitation")
    accept = phone.leading_to("/visits/tap")
    await phone.follow(accept)
    await phone.sees("Will you make this visit?", first.site)
    await phone.picture("one-tap")
    await story.world.settle()
    assert _confirmations(story) == 0, "looking at the page has answered for the trainer"

    button = phone.page.get_by_role("button", name="Yes, I accept")
    async with phone.page.expect_navigation():
        await button.dblclick()
    await phone.sees("Thank you. The visit is yours")
    await phone.look()
    await phone.page.go_back()
    await phone.press(button)
    await phone.sees("Thank you. The visit is yours")
    await story.world.settle()
    assert _confirmations(story) == 1, "two presses have answered twice"

    await phone.follow("Sign in and see it in full", look=False)
    await phone.sign_in(first.trainer)
    await phone.sees(first.site, "Confirmed")
    story.visit = phone.page.url
    story.visitors[first.trainer] = phone


async def answer_the_rest(story: Story) -> None:
    """One declines, everybody else accepts; the declined visit goes to the next best by itself."""
    hands = await story.stranger(PHONE)
    rest = (await _invitations(hands))[1:]
    declined = rest.pop()
    await hands.open(declined.href, look=False)
    await hands.follow(hands.page.locator("a[href*='/visits/tap']").nth(1))
    await hands.sees("You cannot make this visit?")
    await hands.page.get_by_label("Why").select_option("illness")
    await hands.press("Decline this visit")
    await hands.sees("Somebody else is being asked.")
    for one in rest:
        await _accept(hands, one.href)
    await story.world.settle()
    (again,) = [one for one in await _invitations(hands) if one.href not in {line.href for line in [declined, *rest]}][
        1:
    ]
    assert again.trainer != declined.trainer
    await _accept(hands, again.href)
    await story.world.settle()

    coordinator = await story.visitor(COORDINATOR)
    await coordinator.open(story.cohort)
    await expect(coordinator.page.locator(".board").get_by_text("Asked", exact=True)).to_have_count(0)
    await coordinator.picture("cohort", full=True)
    declined_link = coordinator.page.locator(".slot a").last
    await coordinator.follow(declined_link)
    await coordinator.open("/visits/")


async def see_my_visits(story: Story) -> None:
    """On a phone: what is asked, what is coming, what is missing."""
    phone = await story.visitor(story.trainer, PHONE)
    await phone.open(story.visit)
    ends = await phone.page.locator("dl.facts time").nth(1).get_attribute("datetime")
    assert ends is not None
    await story.world.advance_to(datetime.fromisoformat(ends) + timedelta(hours=1))
    await phone.follow("My visits")
    await phone.sees(story.site, "Report this visit")
    await phone.picture("trainer-visits")


async def raise_a_suspicion(story: Story) -> None:
    """From the report form, in seconds, and before it; nothing of it stands on any other page afterwards."""
    phone = await story.visitor(story.trainer, PHONE)
    await phone.open(story.visit, look=False)
    await phone.follow("Report this visit")
    await phone.follow("Raise a suspicion now")
    await phone.sees("Do not investigate", "Do not tell the enterprise")
    await phone.picture("suspicion")
    await phone.page.get_by_label("Child labour").check()
    await phone.fill(text=" ")
    await phone.press("Raise it now")
    await phone.sees("This was not saved.")
    await phone.fill(text=SEEN)
    await phone.press("Raise it now")
    await phone.sees("It arrived", "You have done your part.")
    await story.world.settle()


async def report(story: Story) -> None:
    """The report with an ordinary finding, from the same phone."""
    phone = await story.visitor(story.trainer, PHONE)
    await phone.open(f"{story.visit}/report", look=False)
    await phone.page.get_by_label("Everything that was planned").check()
    await phone.fill(
        managers="2", workers="3", summary="Walked the floor with the improvement team; agreed on the plan."
    )
    await phone.page.locator("#item-0").select_option("3")
    await phone.page.locator("#grade-0").select_option("major")
    await phone.press("Send the report")
    await phone.sees("This was not saved.")
    await phone.fill(finding_text="The emergency exit of the cutting hall is blocked by rolls of fabric.")
    await phone.press("Add a finding")
    await phone.picture("trainer-report", full=True)
    await phone.press("Send the report")
    await phone.sees("The emergency exit", "Reported")
    await phone.does_not_see(SEEN[:20])
    await phone.follow(re.compile("Open|Waiting"))
    await phone.sees("The emergency exit")
    await story.world.settle()
    coordinator = await story.visitor(COORDINATOR)
    for path in ("/scheduler/", "/visits/", story.visit, "/visits/actions", story.cohort, "/notifications/log"):
        await coordinator.open(path)
        await coordinator.does_not_see(*_CASE_WORDS)
    await coordinator.open("/scheduler/", look=False)
    await coordinator.picture("today", full=True)


async def _accept(hands: Visitor, mail: str) -> None:
    await hands.open(mail, look=False)
    await hands.follow(hands.leading_to("/visits/tap"), look=False)
    await hands.press("Yes, I accept", look=False)
    await hands.sees("Thank you. The visit is yours")


async def _invitations(reader: Visitor) -> list[Invitation]:
    """Offers to trainers of the story's country, by their start."""
    await reader.open("/inbox/", look=False)
    found = []
    for line in await reader.page.locator(".messages li").filter(has_text=_OFFER).all():
        href = await line.get_by_role("link").get_attribute("href")
        who = await line.locator(".who").inner_text()
        starts = await line.locator(".chip time").get_attribute("datetime")
        subject = await line.locator("strong").inner_text()
        assert href
        assert starts
        site = subject.removeprefix(_OFFER).partition(" (")[0].strip()
        found.append(Invitation(href, who.partition("@")[0].upper(), datetime.fromisoformat(starts), site))
    return sorted(found, key=lambda one: (one.starts, one.site, one.href))


def _confirmations(story: Story) -> int:
    return sum(event.type == "gemba.VisitConfirmed.v1" for event in story.world.log.events)
