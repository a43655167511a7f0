"""Working time runs when people work, on the wall clock of their country, across clock changes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.visits.domain.visit import AT_LEAST, WELL_BEFORE, respond_by
from services.visits.domain.working_time import Calendar, ClockKind, Span, WorkingWeek, add_working

DHAKA = Calendar(
    WorkingWeek(ZoneInfo("Asia/Dhaka"), frozenset({7, 1, 2, 3, 4}), timedelta(hours=9), timedelta(hours=17))
)
BERLIN = Calendar(WorkingWeek(ZoneInfo("Europe/Berlin"), frozenset({6, 7, 1}), timedelta(0), timedelta(hours=24)))


def dhaka(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo("Asia/Dhaka"))


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (dhaka(3, 10), 2, dhaka(3, 12)),
        (dhaka(3, 10), 7, dhaka(3, 17)),
        (dhaka(3, 16), 2, dhaka(4, 10)),
        (dhaka(3, 3), 1, dhaka(3, 10)),
        (dhaka(5, 16), 2, dhaka(8, 10)),  # Thursday evening to Sunday: Friday and Saturday are off
        (dhaka(6, 12), 8, dhaka(8, 17)),
        (dhaka(3, 10), 24, dhaka(8, 10)),
    ],
)
def test_it_pauses_at_night_and_on_days_off(start: datetime, hours: int, end: datetime) -> None:
    assert add_working(start, timedelta(hours=hours), DHAKA) == end


def test_it_pauses_on_holidays() -> None:
    calendar = Calendar(DHAKA.week, lambda day: day == date(2026, 3, 4))
    assert add_working(dhaka(3, 16), timedelta(hours=2), calendar) == dhaka(5, 10)


def test_the_wall_clock_does_not_pause() -> None:
    span = Span(timedelta(hours=24), ClockKind.WALL)
    assert span.after(dhaka(5, 16), DHAKA) == dhaka(6, 16)


def test_a_day_of_23_hours_has_23_hours() -> None:
    saturday = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    end = add_working(saturday, timedelta(hours=12 + 23), BERLIN)
    assert end == datetime(2026, 3, 30, 0, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


def test_a_calendar_on_which_nobody_ever_works_is_refused() -> None:
    with pytest.raises(ValueError, match="too little working time"):
        add_working(dhaka(3, 10), timedelta(hours=1), Calendar(DHAKA.week, lambda _: True))


instants = st.integers(0, 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(instants, st.integers(1, 80))
def test_it_ends_in_working_time_and_never_early(start: datetime, hours: int) -> None:
    end = add_working(start, timedelta(hours=hours), DHAKA)
    local = end.astimezone(DHAKA.week.zone)
    assert end >= start + timedelta(hours=hours)
    assert DHAKA.works_on(local.date())
    assert timedelta(hours=9) <= timedelta(hours=local.hour, minutes=local.minute) <= timedelta(hours=17)


@given(instants, st.integers(-5, 24 * 60))
def test_an_offer_waits_no_longer_than_it_may(now: datetime, hours: int) -> None:
    starts_at = now + timedelta(hours=hours)
    until = respond_by(now, starts_at, DHAKA)
    assert until > now
    if starts_at - WELL_BEFORE - now >= AT_LEAST:
        assert until <= starts_at - WELL_BEFORE
    elif hours > 1:
        assert until < starts_at


def test_an_offer_on_a_thursday_waits_over_the_days_off() -> None:
    until = respond_by(dhaka(5, 10), dhaka(25, 9), DHAKA)
    assert until == dhaka(9, 10), "two working days, Friday and Saturday do not count"
