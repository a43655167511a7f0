"""From an offer to the report: who is told, once each, and what stands in whose calendar."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from icalendar import Calendar

from shared.contracts.booking import BookingMoved, BookingUnplaceable
from shared.contracts.message import MessageCancelled, MessageFailed, MessageQueued, MessageSent
from shared.contracts.values import Channel, Role, VisitKind
from shared.contracts.visit import (
    CompanyAsked,
    CompanyConfirmed,
    OfferLapsed,
    VisitCancelled,
    VisitDeclined,
    VisitMissed,
    VisitOffered,
    VisitReported,
)
from shared.errors import NotKnownYet
from shared.ids import new_id
from tests.integration.notifications.world import START, World, confirmed, offered, scheduled


def entry(mail: EmailMessage) -> Any:
    """The calendar entry of a mail, with the method of its calendar as `METHOD`."""
    part = next(part for part in mail.walk() if part.get_content_type() == "text/calendar")
    calendar = Calendar.from_ical(part.get_content())
    event = calendar.walk("VEVENT")[0]
    event["METHOD"] = calendar["METHOD"]
    return event


def subjects(mails: list[EmailMessage]) -> list[str]:
    return [str(mail["Subject"]).split(":")[0] for mail in mails]


async def test_an_offer_is_mailed_once_with_an_entry_for_the_calendar(world: World) -> None:
    offer = offered(await world.knows("rina"), await world.knows_enterprise("rahman"))
    await world.hears(scheduled(offer), offer, times=3)
    await world.send()
    await world.send()
    (mail,) = world.post.to("rina@example.org")
    assert str(mail["Subject"]).startswith("Can you do this visit? Rahman Textiles (Gazipur), Tuesday 31 March 2026")
    assert entry(mail)["METHOD"] == "REQUEST"
    (queued,) = await world.said(MessageQueued)
    (sent,) = await world.said(MessageSent)
    assert (queued.about, queued.step, queued.template) == (offer.visit_id, 1, "visit_offer")
    assert (sent.message_id, sent.channel, sent.sent_at) == (queued.message_id, Channel.EMAIL, START)
    assert sent.provider.startswith("smtp:127.0.0.1:")


async def test_a_decline_takes_the_entry_out_and_the_next_trainer_is_asked(world: World) -> None:
    rina, mill = await world.knows("rina"), await world.knows_enterprise("rahman")
    karim = await world.knows("karim")
    first = offered(rina, mill)
    second = offered(karim, mill, visit_id=first.visit_id, offer=2)
    declined = VisitDeclined(visit_id=first.visit_id, offer=1, country="BD", trainer_id=rina, reason="ill")
    await world.hears(scheduled(first), first)
    await world.send()
    await world.hears(declined, second)
    await world.send()
    asked, withdrawn = world.post.to("rina@example.org")
    (new,) = world.post.to("karim@example.org")
    assert (entry(withdrawn)["METHOD"], entry(withdrawn)["STATUS"]) == ("CANCEL", "CANCELLED")
    assert entry(asked)["UID"] == entry(withdrawn)["UID"] == entry(new)["UID"] == f"{first.visit_id}@gemba"
    assert entry(asked)["SEQUENCE"] < entry(withdrawn)["SEQUENCE"]
    assert "Thank you for your answer" in withdrawn.get_body(("plain",)).get_content()


async def test_silence_is_told_apart_and_told_once(world: World) -> None:
    rina, mill = await world.knows("rina"), await world.knows_enterprise("rahman")
    karim = await world.knows("karim")
    first = offered(rina, mill)
    lapsed = OfferLapsed(visit_id=first.visit_id, offer=1, country="BD", trainer_id=rina)
    await world.hears(scheduled(first), first, lapsed, offered(karim, mill, visit_id=first.visit_id, offer=2), times=2)
    await world.send()
    assert await world.states("visit_offer") == ["cancelled", "sent"], "the lapsed one was still waiting: not sent"
    (withdrawn,) = world.post.to("rina@example.org")
    assert "no answer in time" in withdrawn.get_body(("plain",)).get_content()
    (cancelled,) = await world.said(MessageCancelled)
    assert cancelled.code == "superseded"


async def test_reassigning_withdraws_from_the_former_trainer(world: World) -> None:
    rina, mill = await world.knows("rina"), await world.knows_enterprise("rahman")
    karim = await world.knows("karim")
    first = offered(rina, mill)
    await world.hears(scheduled(first), first, confirmed(first))
    await world.hears(offered(karim, mill, visit_id=first.visit_id, offer=2))
    await world.send()
    assert subjects(world.post.to("rina@example.org")) == ["No longer yours"]
    assert subjects(world.post.to("karim@example.org")) == [
        "Can you do this visit? Rahman Textiles (Gazipur), Tuesday 31 March 2026"
    ]


async def test_a_confirmed_visit_stands_in_the_calendars_of_both_sides(world: World) -> None:
    manager = await world.knows("manager", Role.ENTERPRISE, language="bn")
    offer = offered(await world.knows("rina"), await world.knows_enterprise("rahman", manager))
    await world.hears(scheduled(offer), offer)
    await world.send()
    await world.hears(confirmed(offer))
    await world.send()
    question, answer = world.post.to("rina@example.org")
    (invitation,) = world.post.to("manager@example.org")
    assert entry(question)["STATUS"] == "TENTATIVE"
    assert entry(answer)["STATUS"] == entry(invitation)["STATUS"] == "CONFIRMED"
    assert entry(question)["UID"] == entry(answer)["UID"]
    assert entry(question)["SEQUENCE"] + 1 == entry(answer)["SEQUENCE"]


async def test_the_enterprise_hears_nothing_of_a_verification_and_the_trainer_sees_a_follow_up(world: World) -> None:
    manager = await world.knows("manager", Role.ENTERPRISE)
    mill = await world.knows_enterprise("rahman", manager)
    plain = offered(await world.knows("rina"), mill, kind=VisitKind.FOLLOW_UP)
    # visits calls it a follow-up, only the booking knows; and should visits say so itself, nothing changes
    secret = offered(await world.knows("karim"), mill, kind=VisitKind.FOLLOW_UP)
    open_ = offered(await world.knows("salma"), mill, kind=VisitKind.VERIFICATION)
    for offer, kind in ((plain, None), (secret, VisitKind.VERIFICATION), (open_, None)):
        await world.hears(scheduled(offer, kind), offer, confirmed(offer))
    cancelled = VisitCancelled(visit_id=secret.visit_id, country="BD", trainer_id=secret.trainer_id, reason="x")
    await world.hears(cancelled)
    await world.advance(days=30)
    await world.send()
    about = await world.pool.fetch("select distinct about from messages where recipient_id = $1", manager)
    assert [row["about"] for row in about] == [plain.visit_id]
    kinds = {row["data"]["kind"] for row in await world.pool.fetch("select data from messages where data ? 'kind'")}
    assert kinds == {"follow_up"}


async def test_an_invitation_waits_until_the_booking_says_what_the_visit_is_for(world: World) -> None:
    offer = offered(await world.knows("rina"), await world.knows_enterprise("rahman"))
    await world.hears(offer)
    with pytest.raises(NotKnownYet):
        await world.hears(confirmed(offer))


async def test_a_moved_visit_moves_in_every_calendar(world: World) -> None:
    manager = await world.knows("manager", Role.ENTERPRISE)
    rina, mill = await world.knows("rina"), await world.knows_enterprise("rahman", manager)
    first = offered(rina, mill)
    await world.hears(scheduled(first), first, confirmed(first))
    await world.send()
    moved = offered(rina, mill, visit_id=first.visit_id, offer=2, starts_at=first.starts_at + timedelta(days=2))
    await world.hears(moved)
    await world.send()
    await world.hears(confirmed(moved))
    await world.send()
    for address in ("rina@example.org", "manager@example.org"):
        entries = [entry(mail) for mail in world.post.to(address)]
        sequences = [event["SEQUENCE"] for event in entries]
        assert sequences == sorted(set(sequences)), address
        assert len({event["UID"] for event in entries}) == 1
        assert entries[-1]["DTSTART"].dt == moved.starts_at
    assert subjects(world.post.to("rina@example.org"))[-2:] == ["New time, please confirm", "Confirmed"]


async def test_a_cancelled_visit_leaves_every_calendar_that_holds_it(world: World) -> None:
    manager = await world.knows("manager", Role.ENTERPRISE)
    offer = offered(await world.knows("rina"), await world.knows_enterprise("rahman", manager))
    await world.hears(scheduled(offer), offer, confirmed(offer))
    await world.send()
    await world.hears(
        VisitCancelled(visit_id=offer.visit_id, country="BD", trainer_id=offer.trainer_id, reason="cohort_cancelled")
    )
    await world.send()
    for address in ("rina@example.org", "manager@example.org"):
        last = entry(world.post.to(address)[-1])
        assert (last["METHOD"], last["STATUS"]) == ("CANCEL", "CANCELLED")
    await world.advance(days=30)
    await world.send()
    assert len(world.post.to("rina@example.org")) == 2, "no reminder of what will not take place"


async def test_the_day_before_and_the_end_of_a_visit_have_their_messages(world: World) -> None:
    offer = offered(await world.knows("rina"), await world.knows_enterprise("rahman"))
    await world.hears(scheduled(offer), offer, confirmed(offer))
    await world.send()
    before = len(world.post.mails)
    world.clock.advance(datetime(2026, 3, 30, 10, 59, tzinfo=UTC) - world.clock.now())
    await world.advance(seconds=0)
    await world.send()
    assert len(world.post.mails) == before, "not before five in the afternoon at the site"
    await world.advance(minutes=1)
    await world.send()
    assert subjects(world.post.to("rina@example.org"))[-1] == "Tomorrow"
    world.clock.advance(offer.ends_at - world.clock.now())
    await world.advance(seconds=0)
    await world.send()
    last = world.post.to("rina@example.org")[-1]
    assert "How was the visit?" in last["Subject"]
    assert "/visits/tap?t=" in last.get_body(("plain",)).get_content()


async def test_the_reminders_of_one_minute_go_to_everybody_whatever_one_of_them_is_short_of(world: World) -> None:
    enterprise = await world.knows_enterprise("rahman")
    visits = [offered(await world.knows(key), enterprise) for key in ("rina", "selim", "tuli")]
    for offer in visits:
        await world.hears(scheduled(offer), offer, confirmed(offer))
    await world.send()
    stranger = new_id()
    await world.pool.execute("update visits set trainer_id = $1 where visit_id = $2", stranger, visits[1].visit_id)
    world.clock.advance(datetime(2026, 3, 30, 11, tzinfo=UTC) - world.clock.now())
    await world.advance(seconds=0)
    await world.send()
    for key, last in (("rina", "Tomorrow"), ("selim", "Confirmed"), ("tuli", "Tomorrow")):
        assert subjects(world.post.to(f"{key}@example.org"))[-1] == last
    held_up = await world.pool.fetch("select aggregate, failures from timers where kind = 'reminder.visit'")
    assert [(row["aggregate"], row["failures"]) for row in held_up] == [(visits[1].visit_id, 1)]
    await world.knows("stranger", person_id=stranger)
    await world.pool.execute("update timers set retry_at = clock_timestamp() where retry_at is not null")
    await world.advance(seconds=0)
    await world.send()
    assert subjects(world.post.to("stranger@example.org")) == ["Tomorrow"]


async def test_after_an_outage_a_reminder_of_what_has_begun_is_skipped_with_a_reason(world: World) -> None:
    offer = offered(await world.knows("rina"), await world.knows_enterprise("rahman"))
    await world.hears(scheduled(offer), offer, confirmed(offer))
    await world.advance(days=21)
    await world.send()
    row = await world.pool.fetchrow("select state, code from messages where template = 'visit_reminder'")
    assert (row["state"], row["code"]) == ("cancelled", "too_late")
    assert await world.states("report_request") == ["sent"]


async def test_nobody_is_asked_for_a_report_that_has_come(world: World) -> None:
    offer = offered(await world.knows("rina"), await world.knows_enterprise("rahman"))
    await world.hears(scheduled(offer), offer, confirmed(offer))
    await world.hears(
        VisitReported(
            visit_id=offer.visit_id,
            report_id=new_id(),
            country="BD",
            trainer_id=offer.trainer_id,
            reported_at=START,
            whole=True,
        )
    )
    await world.advance(days=30)
    assert await world.states("report_request") == []


async def test_a_missed_visit_is_put_to_the_trainer_and_to_the_coordinators_of_the_country(world: World) -> None:
    await world.knows("mita", Role.COORDINATOR)
    await world.knows("luz", Role.COORDINATOR, country="PE")
    offer = offered(await world.knows("rina"), await world.knows_enterprise("rahman"))
    missed = VisitMissed(visit_id=offer.visit_id, country="BD", trainer_id=offer.trainer_id, ended_at=offer.ends_at)
    await world.hears(scheduled(offer), offer, confirmed(offer), missed)
    await world.advance(minutes=2)
    await world.send()
    assert "Did this visit take place?" in world.post.to("rina@example.org")[-1]["Subject"]
    assert "Visit missed" in world.post.to("mita@example.org")[-1]["Subject"]
    assert world.post.to("luz@example.org") == []


async def test_an_ordinary_message_waits_for_a_person_who_is_not_known_yet(world: World) -> None:
    mill = await world.knows_enterprise("rahman")
    with pytest.raises(NotKnownYet):
        await world.hears(offered(new_id(), mill))


async def test_an_ordinary_message_waits_for_an_enterprise_that_is_not_known_yet(world: World) -> None:
    with pytest.raises(NotKnownYet):
        await world.hears(offered(await world.knows("rina"), new_id()))


async def test_a_message_to_somebody_erased_fails_and_holds_up_nothing(world: World) -> None:
    offer: VisitOffered = offered(await world.knows("rina"), await world.knows_enterprise("rahman"))
    await world.hears(scheduled(offer), offer)
    await world.erases("rina")
    await world.send()
    await world.hears(confirmed(offer))
    await world.send()
    assert world.post.mails == []
    assert [fact.code for fact in await world.said(MessageFailed)] == ["no_recipient", "no_recipient"]
    kept = await world.pool.fetch("select to_jsonb(m)::text as line from messages m")
    assert not any("Rina" in row["line"] or "example.org" in row["line"] for row in kept)
    for table in ("people", "preferences"):
        assert await world.pool.fetchval(f"select count(*) from {table}") == 0


async def test_night_in_lima_holds_the_offer_until_seven_there(world: World) -> None:
    luz = await world.knows("luz", country="PE", zone="America/Lima", language="es-PE")
    offer = offered(luz, await world.knows_enterprise("andes", country="PE"), country="PE")
    await world.hears(scheduled(offer), offer)
    await world.send()
    assert world.post.mails == []
    (queued,) = await world.said(MessageQueued)
    assert queued.not_before == datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
    world.clock.advance(queued.not_before - world.clock.now())
    await world.send()
    (mail,) = world.post.to("luz@example.org")
    assert str(mail["Subject"]).startswith("¿Puede hacer esta visita?")


async def test_who_comes_along_is_told_and_told_again_when_they_no_longer_do(world: World) -> None:
    rina, expert, other = [await world.knows(key) for key in ("rina", "expert", "other")]
    mill = await world.knows_enterprise("rahman")
    first = offered(rina, mill)
    await world.hears(scheduled(first, co_trainers=(expert,)), first, confirmed(first))
    await world.send()
    assert subjects(world.post.to("expert@example.org")) == ["Confirmed"]
    moved = BookingMoved(
        visit_id=first.visit_id,
        country="BD",
        trainer_id=rina,
        starts_at=first.starts_at + timedelta(days=1),
        ends_at=first.ends_at + timedelta(days=1),
        zone="Asia/Dhaka",
        reason="leave",
        co_trainer_ids=(other,),
    )
    again = offered(rina, mill, visit_id=first.visit_id, offer=2, starts_at=moved.starts_at)
    await world.hears(moved, again)
    await world.send()
    await world.hears(confirmed(again))
    await world.send()
    assert subjects(world.post.to("other@example.org")) == ["Confirmed"]
    to_expert = world.post.to("expert@example.org")
    assert subjects(to_expert) == ["Confirmed", "New time for the visit", "No longer yours"]
    assert entry(to_expert[-1])["METHOD"] == "CANCEL"
    assert entry(to_expert[-1])["SEQUENCE"] > entry(to_expert[-2])["SEQUENCE"]


async def test_when_one_who_goes_along_declines_nobody_is_told_that_the_visit_is_off(world: World) -> None:
    rina, expert = [await world.knows(key) for key in ("rina", "expert")]
    first = offered(rina, await world.knows_enterprise("rahman"))
    await world.hears(scheduled(first, co_trainers=(expert,)), first, confirmed(first))
    await world.send()
    told = len(world.post.to("rina@example.org"))
    await world.hears(
        VisitDeclined(visit_id=first.visit_id, offer=1, country="BD", trainer_id=expert, reason="illness")
    )
    await world.send()
    assert len(world.post.to("rina@example.org")) == told
    assert subjects(world.post.to("expert@example.org")) == ["Confirmed"]


async def test_whoever_is_to_go_along_is_asked_with_links_that_answer(world: World) -> None:
    rina, expert = [await world.knows(key) for key in ("rina", "expert")]
    first = offered(rina, await world.knows_enterprise("rahman"))
    along = CompanyAsked(**first.model_dump() | {"lead_id": rina, "trainer_ids": (expert,)})
    await world.hears(scheduled(first, co_trainers=(expert,)), first, along, times=2)
    await world.send()
    (mail,) = world.post.to("expert@example.org")
    assert str(mail["Subject"]).startswith("Can you go along? Rahman Textiles (Gazipur), Tuesday 31 March 2026")
    assert mail.get_body(("plain",)).get_content().count("/visits/tap?t=") == 2
    await world.hears(VisitCancelled(visit_id=first.visit_id, country="BD", trainer_id=rina, reason="cohort_cancelled"))
    late = CompanyAsked(**along.model_dump() | {"offer": 2, "trainer_ids": (await world.knows("other"),)})
    await world.hears(late)
    await world.send()
    assert not world.post.to("other@example.org"), "the visit is off"


async def test_who_goes_along_has_it_in_the_calendar_when_both_have_said_yes(world: World) -> None:
    rina, expert, other = [await world.knows(key) for key in ("rina", "expert", "other")]
    first = offered(rina, await world.knows_enterprise("rahman"))
    asked = CompanyAsked(**first.model_dump() | {"lead_id": rina, "trainer_ids": (expert, other)})
    yes = {"visit_id": first.visit_id, "offer": 1, "country": "BD"}
    await world.hears(scheduled(first, co_trainers=(expert, other)), first, asked)
    await world.hears(CompanyConfirmed(**yes, trainer_id=expert))
    await world.send()
    assert subjects(world.post.to("expert@example.org")) == [
        "Can you go along? Rahman Textiles (Gazipur), Tuesday 31 March 2026"
    ]
    await world.hears(confirmed(first))
    await world.send()
    assert subjects(world.post.to("expert@example.org"))[1:] == ["Confirmed"]
    assert entry(world.post.to("expert@example.org")[-1])["METHOD"] == "REQUEST"
    assert len(world.post.to("other@example.org")) == 1, "has not answered"
    await world.hears(CompanyConfirmed(**yes, trainer_id=other), times=2)
    await world.send()
    assert subjects(world.post.to("other@example.org"))[1:] == ["Confirmed"]
    await world.hears(confirmed(first))
    await world.send()
    assert len(world.post.to("rina@example.org")) == 2, "asked, and confirmed once"
    moved = BookingMoved(
        visit_id=first.visit_id,
        country="BD",
        trainer_id=rina,
        starts_at=first.starts_at + timedelta(days=1),
        ends_at=first.ends_at + timedelta(days=1),
        zone="Asia/Dhaka",
        reason="leave",
        co_trainer_ids=(expert,),
    )
    again = offered(rina, *first.enterprise_ids, visit_id=first.visit_id, offer=2, starts_at=moved.starts_at)
    await world.hears(moved, again, CompanyAsked(**again.model_dump() | {"lead_id": rina, "trainer_ids": (expert,)}))
    await world.hears(confirmed(again))
    await world.send()
    told = subjects(world.post.to("expert@example.org"))
    assert [one.split("?")[0] for one in told[2:]] == ["New time for the visit", "Can you go along"]
    assert subjects(world.post.to("other@example.org"))[-1] == "No longer yours"


async def test_a_visit_that_lost_its_place_leaves_the_calendar_of_who_had_it(world: World) -> None:
    await world.knows("mita", Role.COORDINATOR)
    offer = offered(await world.knows("rina"), await world.knows_enterprise("rahman"))
    lost = BookingUnplaceable(
        visit_id=offer.visit_id,
        cohort_id=None,
        country="BD",
        kind=VisitKind.CONSULTANCY,
        enterprise_ids=offer.enterprise_ids,
        codes=("all_on_leave", "a_code_of_next_year"),
        former_trainer_id=offer.trainer_id,
    )
    await world.hears(scheduled(offer), offer, confirmed(offer))
    await world.send()
    await world.hears(lost)
    await world.send()
    assert entry(world.post.to("rina@example.org")[-1])["METHOD"] == "CANCEL"
    (notice,) = world.post.to("mita@example.org")
    told = notice.get_body(("plain",)).get_content()
    assert "Why: everybody who could do it is away; the plan says why" in told
    await world.advance(days=30)
    await world.send()
    assert len(world.post.to("rina@example.org")) == 2, "no reminder, no request for a report"


async def test_what_one_plan_says_at_once_is_kept_of_each_visit(world: World) -> None:
    """Hundreds of bookings in one poll are one transaction; of two that name one visit the later one counts."""
    trainer, mill = await world.knows("rina"), await world.knows_enterprise("rahman")
    experts = [await world.knows(f"expert{number}") for number in range(3)]
    offers = [offered(trainer, mill) for _ in range(4)]
    booked = [
        scheduled(offers[0], co_trainers=tuple(experts)),
        scheduled(offers[1]),
        scheduled(offers[2], VisitKind.VERIFICATION, co_trainers=(experts[1],)),
        scheduled(offers[3], co_trainers=(experts[0],)),
        scheduled(offers[3], co_trainers=(experts[2], experts[0])),
    ]
    await world.hears_together(*booked)
    rows = await world.pool.fetch("select visit_id, tells_enterprise, co_trainer_ids from bookings")
    assert {row["visit_id"]: (row["tells_enterprise"], row["co_trainer_ids"]) for row in rows} == {
        offers[0].visit_id: (True, experts),
        offers[1].visit_id: (True, []),
        offers[2].visit_id: (False, [experts[1]]),
        offers[3].visit_id: (True, [experts[2], experts[0]]),
    }
