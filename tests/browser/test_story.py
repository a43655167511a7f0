"""The story, walked by clicking. Each chapter goes on where the one before it ended; only the clock is moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from deploy.local.demo.world import World
from tests.browser.story import changing, reviewing, safeguarding, setting_up, visiting
from tests.browser.story.cast import Story, telling

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def story(chromium: Browser, programme: World) -> AsyncIterator[Story]:
    async with telling(programme, chromium) as told:
        yield told


async def test_nothing_is_open_without_the_link_in_the_mail(story: Story) -> None:
    await setting_up.sign_in(story)
    story.told.append("sign-in")


async def test_a_workbook_with_faults_says_where_and_the_right_one_is_taken(story: Story, tmp_path: Path) -> None:
    story.after("sign-in")
    await setting_up.import_workbooks(story, tmp_path)
    story.told.append("import")


async def test_a_cohort_is_created_and_its_plan_arrives(story: Story) -> None:
    story.after("import")
    await setting_up.create_cohort(story)
    story.told.append("cohort")


async def test_a_plan_is_looked_at_before_anybody_is_told(story: Story) -> None:
    story.after("cohort")
    await reviewing.review(story)
    story.told.append("reviewed")


async def test_a_plan_is_published_after_its_confirmation(story: Story) -> None:
    story.after("cohort")
    await setting_up.publish(story)
    story.told.append("published")


async def test_one_tap_in_the_mail_answers_once_and_only_when_pressed(story: Story) -> None:
    story.after("published")
    await visiting.answer_in_mail(story)
    story.told.append("answered")


async def test_who_declines_is_replaced_and_the_rest_accept(story: Story) -> None:
    story.after("answered")
    await visiting.answer_the_rest(story)
    story.told.append("confirmed")


async def test_a_trainer_sees_their_visits_on_a_phone(story: Story) -> None:
    story.after("confirmed")
    await visiting.see_my_visits(story)
    story.told.append("seen")


async def test_a_suspicion_is_raised_from_the_phone(story: Story) -> None:
    story.after("seen")
    await visiting.raise_a_suspicion(story)
    story.told.append("raised")


async def test_a_report_with_a_finding_is_sent_and_shows_nothing_of_the_suspicion(story: Story) -> None:
    story.after("raised")
    await visiting.report(story)
    story.told.append("reported")


async def test_the_officer_takes_the_case_by_one_tap(story: Story) -> None:
    story.after("reported")
    await safeguarding.take_the_case(story)
    story.told.append("taken")


async def test_the_officer_runs_the_case(story: Story) -> None:
    story.after("taken")
    await safeguarding.run_the_case(story)
    story.told.append("confirmed case")


async def test_a_verification_visit_looks_like_any_follow_up(story: Story) -> None:
    story.after("confirmed case")
    await safeguarding.see_it_as_any_follow_up(story)
    story.told.append("looked alike")


async def test_the_enterprise_answers_an_action_with_evidence(story: Story) -> None:
    story.after("looked alike")
    await safeguarding.put_it_right(story)
    story.told.append("put right")


async def test_another_day_is_found_when_a_trainer_asks_for_it(story: Story) -> None:
    story.after("looked alike")
    await changing.ask_for_another_day(story)


async def test_another_trainer_is_found_when_a_coordinator_asks_for_one(story: Story) -> None:
    story.after("looked alike")
    await changing.find_another_trainer(story)


async def test_one_chooses_how_one_is_reached(story: Story) -> None:
    story.after("seen")
    await changing.choose_how_to_be_reached(story)


async def test_visits_verify_an_action_and_a_case(story: Story) -> None:
    story.after("put right")
    await changing.make_the_visits_that_verify(story)
    story.told.append("verified")


async def test_a_second_person_closes_the_case(story: Story) -> None:
    story.after("verified")
    await safeguarding.close_with_a_second_person(story)
    story.told.append("closed")


async def test_a_cohort_is_cancelled_after_its_confirmation(story: Story) -> None:
    story.after("closed")
    await changing.end_the_cohort(story)
