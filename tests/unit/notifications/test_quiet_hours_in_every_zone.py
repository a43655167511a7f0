"""Whatever the clocks of a reader do: what is held is held until they are up, and then it leaves."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.notifications.domain.quiet_hours import DEFAULT, QuietHours
from tests.harness.clock_changes import ClockChange, every_clock_change

_QUARTER = timedelta(minutes=15)
_LONGEST = timedelta(hours=26)

QUIET = (
    DEFAULT,
    QuietHours(time(22, 0), time(2, 30)),  # ends where clocks change
    QuietHours(time(2, 15), time(6, 0)),  # begins where clocks change
    QuietHours(time(23, 30), time(0, 30)),  # at midnight, where some zones change theirs
)


def _around(change: ClockChange) -> list[datetime]:
    """Each quarter of an hour near the change, each third hour of the day before it."""
    return [change.at + _QUARTER * n for n in (*range(-96, -12, 12), *range(-12, 13))]


@pytest.mark.parametrize("quiet", QUIET, ids=lambda quiet: f"{quiet.starts:%H%M}-{quiet.ends:%H%M}")
def test_at_every_clock_change_what_is_held_leaves_at_the_first_moment_out_of_quiet_hours(quiet: QuietHours) -> None:
    changes = every_clock_change()
    assert len({change.zone for change in changes}) > 20, "this machine's zone database has hardly any zone"
    for change in changes:
        zone = ZoneInfo(change.zone)
        for now in _around(change):
            released = quiet.release(now, zone)
            if released is None:
                continue
            assert now < released <= now + _LONGEST, (change, now, released)
            assert quiet.release(released, zone) is None, (change, now, released)
            # An end that the clocks skip may be meant by the old clock: then it is late by the gap at most.
            late = max(timedelta(0), change.gap) if now < change.at <= released else timedelta(0)
            moment = now
            while moment < released - late:
                # The hour that comes twice belongs to the night that has begun.
                comes_twice = now < change.at <= moment < change.at - change.gap
                assert comes_twice or quiet.release(moment, zone), f"{change}: {now} waits for {released}, not {moment}"
                moment += _QUARTER * 2
