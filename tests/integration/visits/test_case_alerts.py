"""An alert that reached nobody counts as unanswered at once, and never makes the case spin."""

from datetime import timedelta
from uuid import UUID

from shared.contracts.case import CaseEscalated, CaseUnowned
from shared.contracts.message import MessageCancelled, MessageFailed, MessageQueued, MessageSent
from shared.contracts.values import Channel
from shared.ids import new_id
from tests.harness.facts import emitted
from tests.integration.visits.conftest import World


async def queued(world: World, case_id: UUID, step: int, person: UUID, message: UUID | None = None) -> UUID:
    message = message or new_id()
    await world.feeder.deliver(
        MessageQueued(
            message_id=message,
            template="case_alert",
            about=case_id,
            step=step,
            recipient_id=person,
            channel=Channel.EMAIL,
            not_before=None,
        )
    )
    return message


async def failed(world: World, case_id: UUID, step: int, person: UUID, message: UUID | None = None) -> None:
    await world.feeder.deliver(
        MessageFailed(
            message_id=message or new_id(),
            about=case_id,
            step=step,
            recipient_id=person,
            channel=Channel.EMAIL,
            code="bounced",
        )
    )


async def test_when_every_alert_of_a_step_bounced_the_next_tier_is_told_at_once(world: World) -> None:
    case_id = await world.raise_case()
    people = world.people
    first = await queued(world, case_id, 1, people.officer)
    second = await queued(world, case_id, 1, people.second_officer)
    await failed(world, case_id, 1, people.officer, first)
    assert not await emitted(world.pool, CaseEscalated), "somebody else may still be reached"
    await failed(world, case_id, 1, people.second_officer, second)
    told = [(fact.tier, fact.cause, fact.recipient_ids) for fact in await emitted(world.pool, CaseEscalated)]
    assert told == [(2, "alert_lost", (people.deputy,))]


async def test_one_channel_that_works_is_enough(world: World) -> None:
    case_id = await world.raise_case()
    people = world.people
    for person in (people.officer, people.second_officer):
        by_sms = await queued(world, case_id, 1, person)
        await failed(world, case_id, 1, person)
        await world.feeder.deliver(
            MessageSent(
                message_id=by_sms,
                about=case_id,
                step=1,
                recipient_id=person,
                channel=Channel.SMS,
                provider="test",
                sent_at=world.clock.now(),
            )
        )
    assert not await emitted(world.pool, CaseEscalated)


async def test_silence_of_notifications_is_a_bounce(world: World) -> None:
    case_id = await world.raise_case()
    await world.pass_time(minutes=9)
    assert not await emitted(world.pool, CaseEscalated)
    await world.pass_time(minutes=1)
    (escalated,) = await emitted(world.pool, CaseEscalated)
    assert (escalated.tier, escalated.cause) == (2, "alert_lost")
    await queued(world, case_id, 2, world.people.deputy)
    await world.pass_time(minutes=30)
    assert len(await emitted(world.pool, CaseEscalated)) == 1


async def test_a_late_failure_of_an_earlier_step_changes_nothing(world: World) -> None:
    case_id = await world.raise_case()
    people = world.people
    await world.pass_time(minutes=10)
    before = (await world.case(case_id))["step"]
    for person in (people.officer, people.second_officer):
        await failed(world, case_id, 1, person)
    assert (await world.case(case_id))["step"] == before


async def test_with_notifications_down_the_case_stands_in_unowned_and_is_paged_within_the_hour(world: World) -> None:
    case_id = await world.raise_case()
    await world.pass_time(minutes=30)
    assert (await world.case(case_id))["standing"] == "unowned"
    pages = len(await emitted(world.pool, CaseUnowned))
    await world.pass_time(hours=1, minutes=11)
    assert len(await emitted(world.pool, CaseUnowned)) == pages + 1


async def test_a_failed_alert_of_an_acknowledged_case_takes_it_from_nobody(world: World) -> None:
    case_id = await world.raise_case()
    people = world.people
    await world.post(f"/visits/api/cases/{case_id}/acknowledge", by=people.officer, status=200)
    for person in (people.officer, people.second_officer):
        await failed(world, case_id, 1, person)
    assert (await world.case(case_id))["standing"] == "owned"


async def test_the_page_of_a_case_says_whom_each_alert_reached(world: World) -> None:
    case_id = await world.raise_case()
    await failed(world, case_id, 1, world.people.officer)
    await queued(world, case_id, 1, world.people.second_officer)
    seen = await world.get(f"/visits/api/cases/{case_id}", by=world.people.deputy)
    assert {(alert["person"]["id"], alert["reached"], alert["code"]) for alert in seen["alerts"]} == {
        (str(world.people.officer), "failed", "bounced"),
        (str(world.people.second_officer), "queued", None),
    }


async def test_messages_about_visits_and_actions_pass_by(world: World) -> None:
    visit_id = await world.schedule()
    await failed(world, visit_id, 1, world.people.trainer)
    assert await world.pool.fetchval("select count(*) from case_messages") == 0


async def test_a_deadline_that_comes_late_after_an_outage_fires_once_and_starts_the_next_from_now(world: World) -> None:
    case_id = await world.raise_case()
    await queued(world, case_id, 1, world.people.officer)
    world.clock.advance(timedelta(days=2))
    await world.timers.fire_due()
    await world.timers.fire_due()
    (escalated,) = await emitted(world.pool, CaseEscalated)
    assert escalated.respond_by == world.clock.now() + timedelta(hours=2)
    line = await world.pool.fetchrow("select at, received_at from case_audit where act = 'alerted_escalated'")
    assert line["at"] - line["received_at"] == timedelta(hours=46)


async def test_an_alert_that_was_no_longer_needed_is_neither_on_its_way_nor_lost(world: World) -> None:
    case_id = await world.raise_case()
    people = world.people
    messages = {person: await queued(world, case_id, 1, person) for person in (people.officer, people.second_officer)}
    for person, message in messages.items():
        await world.feeder.deliver(
            MessageCancelled(
                message_id=message,
                about=case_id,
                step=1,
                recipient_id=person,
                channel=Channel.EMAIL,
                code="acknowledged",
            )
        )
    assert not await emitted(world.pool, CaseEscalated)
    seen = await world.get(f"/visits/api/cases/{case_id}", by=people.officer)
    assert {(alert["reached"], alert["code"]) for alert in seen["alerts"]} == {("cancelled", "acknowledged")}
    page = await world.http.get(f"/visits/cases/{case_id}", headers=world.headers(people.officer) | {"Accept": "text/html"})
    assert "Not needed: acknowledged" in page.text


async def test_after_an_outage_what_waits_on_the_log_is_read_before_an_alert_counts_as_lost(world: World) -> None:
    """Notifications went on while visits was down: what became of its messages is on the log, and not read yet."""
    case_id = await world.raise_case()
    world.clock.advance(timedelta(minutes=40))
    await world.timers.fire_due()
    assert not await emitted(world.pool, CaseEscalated)
    await queued(world, case_id, 1, world.people.officer)
    await world.pass_time(minutes=10)
    assert not await emitted(world.pool, CaseEscalated)


async def test_after_an_outage_in_which_nobody_was_told_the_next_tier_is_told_two_minutes_later(world: World) -> None:
    await world.raise_case()
    world.clock.advance(timedelta(minutes=40))
    await world.timers.fire_due()
    await world.pass_time(minutes=2)
    assert [fact.cause for fact in await emitted(world.pool, CaseEscalated)] == ["alert_lost"]
