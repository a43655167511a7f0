"""Quiet hours: when an ordinary message waits, and until when. Held, never dropped."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Wall times of the reader's own zone; `starts` may be later than `ends` (over midnight)."""

    starts: time
    ends: time

    def release(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """The instant (UTC) at which a message may go, or None when it may go now.

        It is the next `ends` on the reader's wall: where the clocks change in between, the wait is an hour
        shorter or longer, and a wall time that does not exist that night is the instant just after the gap.
        """
        wall = now.astimezone(zone)
        if not self._covers(wall.time()):
            return None
        day = wall.date()
        if wall.time().replace(fold=0) >= self.ends:
            day += timedelta(days=1)
        ends = datetime.combine(day, self.ends, tzinfo=zone)
        if ends.astimezone(UTC) <= now:  # that wall time comes twice tonight, and the first is over
            ends = ends.replace(fold=1)
        return ends.astimezone(UTC)

    def _covers(self, wall: time) -> bool:
        plain = wall.replace(tzinfo=None, fold=0)
        if self.starts <= self.ends:
            return self.starts <= plain < self.ends
        return plain >= self.starts or plain < self.ends


DEFAULT = QuietHours(time(20, 0), time(7, 0))
"""Nobody is woken by a routine message unless they said so."""
