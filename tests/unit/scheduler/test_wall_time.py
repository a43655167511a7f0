"""What is agreed on the factory's clock is one instant, whatever the clocks do that night."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.domain.wall_time import instant_of, local, today_in

ZONES = ("Asia/Dhaka", "America/Lima", "Asia/Ho_Chi_Minh", "Africa/Cairo", "America/Sao_Paulo", "Europe/Berlin")


@pytest.mark.parametrize(
    ("zone", "day", "wall", "instant"),
    [
        ("Asia/Dhaka", date(2026, 3, 10), time(9), "2026-03-10T03:00+00:00"),
        ("America/Lima", date(2026, 3, 10), time(9), "2026-03-10T14:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 29), time(9), "2026-03-29T07:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 28), time(9), "2026-03-28T08:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29T01:30+00:00"),  # skipped: 03:30 is shown
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), "2026-10-25T00:30+00:00"),  # twice: the first one
    ],
)
def test_wall_time_to_instant(zone: str, day: date, wall: time, instant: str) -> None:
    assert instant_of(day, wall, zone) == datetime.fromisoformat(instant)


@given(
    st.sampled_from(ZONES),
    st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    st.integers(0, 23 * 60).map(lambda minutes: time(*divmod(minutes, 60))),
)
def test_there_and_back_shows_the_same_clock_unless_it_skipped_that_time(zone: str, day: date, wall: time) -> None:
    instant = instant_of(day, wall, zone)
    assert instant.tzinfo is UTC
    shown = local(instant, zone)
    agreed = datetime.combine(day, wall)
    skipped = (
        agreed.replace(tzinfo=ZoneInfo(zone), fold=0).utcoffset()
        != agreed.replace(tzinfo=ZoneInfo(zone), fold=1).utcoffset()
    )
    assert shown == agreed or (skipped and timedelta(0) < shown - agreed <= timedelta(hours=1))


def test_today_is_the_enterprise_s_day() -> None:
    late = datetime(2026, 3, 9, 20, 0, tzinfo=UTC)
    assert today_in("Asia/Dhaka", late) == date(2026, 3, 10)
    assert today_in("America/Lima", late) == date(2026, 3, 9)
