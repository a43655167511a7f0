"""By which channels, and when: ordinary messages are polite, zero tolerance is not."""

from datetime import UTC, datetime, time, timedelta

import pytest

from services.notifications.domain.message import CaseNow, Message, VisitNow, no_longer_wanted
from services.notifications.domain.quiet_hours import QuietHours
from services.notifications.domain.recipient import ContactPoint, Preferences
from services.notifications.domain.reminder import reminder_at
from services.notifications.domain.retry import ATTEMPT_LIMIT, CLAIM, pause_after
from services.notifications.domain.routing import BUNDLING_WINDOW, Route, next_channel, route
from services.notifications.domain.templates import TEMPLATES
from services.notifications.domain.wording import one_line
from tests.unit.notifications.samples import STARTS, message, person

NOON = datetime(2026, 3, 10, 6, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)  # midnight in Dhaka
MORNING = datetime(2026, 3, 11, 1, 0, tzinfo=UTC)


def test_an_ordinary_message_takes_one_channel_the_first_of_its_reader() -> None:
    assert route(TEMPLATES["visit_offer"], person(), now=NOON) == (Route("email", NOON),)
    by_sms = person(preferences=Preferences(channels=("sms", "email")))
    assert route(TEMPLATES["visit_offer"], by_sms, now=NOON) == (Route("sms", NOON),)


def test_a_channel_without_an_address_is_passed_over() -> None:
    assert route(TEMPLATES["visit_offer"], person(channels=("sms",)), now=NOON) == (Route("sms", NOON),)


def test_nobody_to_reach_is_no_route() -> None:
    assert route(TEMPLATES["case_alert"], person(channels=()), now=NOON) == ()
    assert route(TEMPLATES["case_alert"], person(active=False), now=NOON) == ()


def test_quiet_hours_hold_and_do_not_drop() -> None:
    assert route(TEMPLATES["visit_offer"], person(), now=NIGHT) == (Route("email", MORNING),)


def test_zero_tolerance_breaks_the_night_and_takes_every_channel() -> None:
    assert route(TEMPLATES["case_alert"], person(), now=NIGHT) == (Route("email", NIGHT), Route("sms", NIGHT))


def test_a_protocol_may_name_the_channels_but_not_to_the_point_of_silence() -> None:
    assert route(TEMPLATES["case_alert"], person(), now=NOON, asked=("sms",)) == (Route("sms", NOON),)
    only_mail = person(channels=("email",))
    assert route(TEMPLATES["case_alert"], only_mail, now=NOON, asked=("sms",)) == (Route("email", NOON),)


def test_no_quiet_hours_when_somebody_wants_none() -> None:
    awake = person(preferences=Preferences(quiet=None))
    assert route(TEMPLATES["visit_offer"], awake, now=NIGHT) == (Route("email", NIGHT),)


def test_a_notice_goes_at_once_and_those_of_the_next_minute_together() -> None:
    def notice(seconds: int, last: datetime | None) -> datetime:
        now = NOON + timedelta(seconds=seconds)
        return route(TEMPLATES["notice_missed"], person(), now=now, last_notice=last)[0].not_before

    first = notice(0, None)
    second = notice(0, first)
    third = notice(20, second)
    assert (first, second, third) == (NOON, NOON + BUNDLING_WINDOW, NOON + BUNDLING_WINDOW)
    assert notice(300, third) == NOON + timedelta(seconds=300)


def test_a_bundle_that_would_open_the_night_waits_for_the_morning() -> None:
    at_eight = datetime(2026, 3, 10, 13, 59, 30, tzinfo=UTC)
    held = route(TEMPLATES["notice_missed"], person(), now=at_eight, last_notice=at_eight)
    assert held == (Route("email", MORNING),)


def test_a_refused_channel_is_followed_by_the_next_one_and_the_last_by_none() -> None:
    assert next_channel(TEMPLATES["visit_offer"], person(), "email") == "sms"
    assert next_channel(TEMPLATES["visit_offer"], person(), "sms") is None
    assert next_channel(TEMPLATES["case_alert"], person(), "email") is None, "an alert went by both at once"


def test_a_verified_address_comes_before_one_that_is_not() -> None:
    points = (ContactPoint("email", "old@example.org", False), ContactPoint("email", "new@example.org", True))
    someone = person()
    someone = type(someone)(**{name: getattr(someone, name) for name in someone.__slots__} | {"contact_points": points})
    assert someone.address("email") == "new@example.org"


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Asia/Dhaka", datetime(2026, 3, 30, 11, 0, tzinfo=UTC)),
        ("America/Lima", datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
    ],
)
def test_the_reminder_comes_at_five_of_the_day_before_at_the_site(zone: str, expected: datetime) -> None:
    assert reminder_at(STARTS, zone) == expected


def test_quiet_hours_may_be_by_day() -> None:
    siesta = person(preferences=Preferences(quiet=QuietHours(time(12, 0), time(14, 0))))
    assert route(TEMPLATES["visit_offer"], siesta, now=NOON)[0].not_before == datetime(2026, 3, 10, 8, 0, tzinfo=UTC)


def test_a_claim_outlives_the_longest_attempt() -> None:
    assert CLAIM > ATTEMPT_LIMIT


def test_zero_tolerance_never_pauses_longer_than_twenty_seconds() -> None:
    assert max(pause_after(attempts, "zero_tolerance") for attempts in range(100)) == timedelta(seconds=20)
    assert [pause_after(attempts, "general").total_seconds() for attempts in (0, 1, 2)] == [1, 2, 4]


def still_wanted(
    told: Message, *, state: str, offer: int = 2, at: datetime = STARTS, now: datetime = NOON
) -> str | None:
    return no_longer_wanted(told, now=now, visit=VisitNow(state, offer, at), action=None, case=None)


def test_an_offer_that_was_answered_or_replaced_does_not_leave() -> None:
    assert still_wanted(message("visit_offer"), state="offered") is None
    assert still_wanted(message("visit_offer"), state="offered", offer=3) == "superseded"
    assert still_wanted(message("visit_offer"), state="lapsed") == "superseded"


def test_a_reminder_that_is_late_is_skipped_with_a_reason() -> None:
    assert still_wanted(message("visit_reminder"), state="confirmed") is None
    assert still_wanted(message("visit_reminder"), state="confirmed", now=STARTS) == "too_late"
    assert still_wanted(message("visit_reminder"), state="confirmed", at=STARTS + timedelta(days=1)) == "superseded"


def test_nobody_is_asked_for_a_report_that_is_there() -> None:
    assert still_wanted(message("report_request"), state="confirmed") is None
    assert still_wanted(message("report_request"), state="reported") == "reported"
    assert still_wanted(message("notice_missed"), state="reported") == "reported"


def test_what_takes_an_entry_out_of_a_calendar_always_leaves() -> None:
    for state in ("offered", "cancelled", "declined", "confirmed"):
        assert still_wanted(message("offer_withdrawn"), state=state, offer=9) is None
        assert still_wanted(message("visit_cancelled"), state=state, offer=9) is None


@pytest.mark.parametrize(
    ("template", "case", "reason"),
    [
        ("case_alert", CaseNow("open", step=2, answered=0), None),
        ("case_alert", CaseNow("open", step=3, answered=0), None),  # the next tier does not silence the first
        ("case_alert", CaseNow("owned", step=2, answered=2), "acknowledged"),
        ("case_alert", CaseNow("open", step=3, answered=2), "acknowledged"),  # lapsed since: its owner is asked anew
        ("case_alert", CaseNow("closing", step=3, answered=2), "acknowledged"),
        ("case_escalated", CaseNow("closed", step=2, answered=0), "closed"),
        ("case_lapsed", CaseNow("open", step=2, answered=1), None),
        ("case_lapsed", CaseNow("owned", step=2, answered=2), "acknowledged"),
        ("case_closure", CaseNow("closing", step=2, answered=1), None),
        ("case_closure", CaseNow("owned", step=2, answered=2), "returned"),
        ("case_closure", CaseNow("closing", step=3, answered=2), "returned"),  # and proposed once more
        ("case_closure", CaseNow("closed", step=2, answered=1), "closed"),
        ("case_verified", CaseNow("owned", step=2, answered=2), None),
        ("case_closed", CaseNow("closed", step=2, answered=2), None),
    ],
)
def test_an_alert_leaves_only_while_its_case_still_asks_for_it(
    template: str, case: CaseNow, reason: str | None
) -> None:
    assert no_longer_wanted(message(template), now=NOON, visit=None, action=None, case=case) == reason


def test_an_action_that_was_answered_is_not_called_overdue() -> None:
    late = message("action_overdue")
    assert no_longer_wanted(late, now=NOON, visit=None, action="open", case=None) is None
    assert no_longer_wanted(late, now=NOON, visit=None, action="submitted", case=None) == "submitted"
    assert (
        no_longer_wanted(message("action_opened"), now=NOON, visit=None, action="cancelled", case=None) == "cancelled"
    )


def test_a_name_is_one_line_whatever_it_was() -> None:
    assert one_line("Rina\r\nBcc: all@example.org\u2028x\u202ey\x00") == "Rina Bcc: all@example.org x y"
