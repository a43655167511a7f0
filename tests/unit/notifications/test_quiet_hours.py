"""Quiet hours hold an ordinary message until the morning of its reader, wherever they are and whatever their clocks do."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.quiet_hours import DEFAULT, QuietHours

ZONES = ["Asia/Dhaka", "America/Lima", "Asia/Ho_Chi_Minh", "Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe"]


def at(zone: str, *wall: int, fold: int = 0) -> datetime:
    return datetime(*wall, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize("zone", ["Asia/Dhaka", "America/Lima", "Asia/Ho_Chi_Minh"])
def test_an_evening_message_waits_for_the_next_morning_of_its_reader(zone: str) -> None:
    assert DEFAULT.release(at(zone, 2026, 3, 10, 22, 30), ZoneInfo(zone)) == at(zone, 2026, 3, 11, 7, 0)


def test_before_dawn_waits_for_the_same_morning() -> None:
    assert DEFAULT.release(at("Asia/Dhaka", 2026, 3, 10, 3, 0), ZoneInfo("Asia/Dhaka")) == at(
        "Asia/Dhaka", 2026, 3, 10, 7, 0
    )


def test_by_day_nothing_waits() -> None:
    assert DEFAULT.release(at("Asia/Dhaka", 2026, 3, 10, 7, 0), ZoneInfo("Asia/Dhaka")) is None
    assert DEFAULT.release(at("Asia/Dhaka", 2026, 3, 10, 19, 59), ZoneInfo("Asia/Dhaka")) is None


def test_the_night_the_clocks_go_forward_is_an_hour_shorter() -> None:
    evening = at("Europe/Berlin", 2026, 3, 28, 22, 0)
    released = DEFAULT.release(evening, ZoneInfo("Europe/Berlin"))
    assert released is not None
    assert released - evening == timedelta(hours=8)


def test_the_night_the_clocks_go_back_is_an_hour_longer() -> None:
    evening = at("Europe/Berlin", 2026, 10, 24, 22, 0)
    released = DEFAULT.release(evening, ZoneInfo("Europe/Berlin"))
    assert released is not None
    assert released - evening == timedelta(hours=10)


def test_an_end_that_does_not_exist_that_night_is_the_instant_after_the_gap() -> None:
    quiet = QuietHours(time(22, 0), time(2, 30))
    evening = at("Europe/Berlin", 2026, 3, 28, 23, 0)
    assert quiet.release(evening, ZoneInfo("Europe/Berlin")) == at("Europe/Berlin", 2026, 3, 29, 3, 30)


def test_an_end_that_comes_twice_is_not_in_the_past() -> None:
    quiet = QuietHours(time(22, 0), time(2, 30))
    second_time_round = at("Europe/Berlin", 2026, 10, 25, 2, 10, fold=1)
    released = quiet.release(second_time_round, ZoneInfo("Europe/Berlin"))
    assert released == at("Europe/Berlin", 2026, 10, 25, 2, 30, fold=1)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(ZONES),
    st.times(),
    st.times(),
)
def test_a_release_is_never_in_the_past_and_never_more_than_a_day_and_an_hour_away(
    now: datetime, zone: str, starts: time, ends: time
) -> None:
    released = QuietHours(starts, ends).release(now, ZoneInfo(zone))
    assert released is None or now < released <= now + timedelta(hours=26)
