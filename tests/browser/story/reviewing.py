"""A plan is looked at before anybody is told: how good, how even, why, what if; and what a departure would change."""

from __future__ import annotations

import re

from tests.browser.story.cast import COORDINATOR, Story


async def review(story: Story) -> None:
    """From the timetable to the figures, to one visit's reasons, and back; a copy is planned and compared."""
    visitor = await story.visitor(COORDINATOR)
    await visitor.open(story.cohort, look=False)
    await visitor.follow("How good it is, how even, why, and what if")
    await visitor.sees("points no plan can go below", "How even it is", "What publishing would do", "What if?")
    await visitor.sees("By which channel")
    await visitor.picture("plan-review", full=True)
    review = visitor.page.url
    await visitor.follow(re.compile("Why, and why not the next three"))
    await visitor.sees("Why not the next ones", "Why not another day")
    await visitor.picture("plan-why")
    await visitor.follow("Back to the plan", look=False)
    assert visitor.page.url == review
    await visitor.open("/scheduler/repairs/new")
    await visitor.page.get_by_label("A trainer leaves").check()
    await visitor.page.get_by_label("Country").select_option("BD")
    await visitor.fill(who="BD-T01", first="2026-01-12")
    await visitor.press("Work out what changes")
    await visitor.sees("What would change")
