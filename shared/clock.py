"""Business time: deadlines, due dates, what a page shows. One reader for all: real, frozen or steered.

Machine time (leases, back-off, polls, time-outs) is monotonic or the database's and never comes from here.
"""

import asyncio
import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_LONGEST_SLICE = timedelta(seconds=30)


class Clock(Protocol):
    """Where business time comes from."""

    def now(self) -> datetime:
        """The present instant: aware, UTC."""

    async def sleep_until(self, instant: datetime) -> None:
        """Return when `now() >= instant`, however time gets there (running, jumping or stepped)."""


class RealClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, instant: datetime) -> None:
        # In slices, because the wall clock may be stepped while we sleep.
        while (left := instant - self.now()) > timedelta(0):
            await asyncio.sleep(min(left, _LONGEST_SLICE).total_seconds())


class FrozenClock:
    """Stands still until told otherwise: for unit tests."""

    def __init__(self, instant: datetime) -> None:
        self._now = _aware(instant)
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move time by `by` (it may be negative: a clock that is set back)."""
        self._now += by
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep_until(self, instant: datetime) -> None:
        while self._now < instant:
            await self._moved.wait()


class SteeredClock:
    """One small mapped file that every process reads, so that a demo or a scenario moves all services together.

    Layout: one byte that names the valid slot, then two slots of (base µs since the epoch, monotonic
    anchor ns, rate, generation). A writer fills the other slot and then flips the byte, so a reader
    never sees half a move and a writer killed in the middle changes nothing.
    """

    _SLOT = struct.Struct("<qqdq")
    _SIZE = 8 + 2 * _SLOT.size
    _POLL_SECONDS = 0.01

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), self._SIZE)

    @classmethod
    def create(cls, path: Path, start: datetime, *, rate: float = 0.0) -> "SteeredClock":
        """A new clock file that stands at `start` and runs at `rate` (0: it stands still)."""
        temporary = path.with_suffix(".new")
        temporary.write_bytes(bytes(cls._SIZE))
        clock = cls(temporary)
        clock._write(_aware(start), rate)
        temporary.replace(path)  # only now: nobody may ever read the year 1970 out of an empty file
        return clock

    def now(self) -> datetime:
        base, anchor, rate, _ = self._read()
        run = max(0, time.monotonic_ns() - anchor) * rate / 1000  # a reboot sets the monotonic clock back
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=base + int(run))

    @property
    def generation(self) -> int:
        """Grows by one with every move."""
        return self._read()[3]

    def jump_to(self, instant: datetime) -> None:
        """Stand still at `instant`. It may lie in the past: tests step the clock back too."""
        self._write(_aware(instant), 0.0)

    def run(self, rate: float = 1.0) -> None:
        """Go on from now at `rate` seconds of business time a second."""
        self._write(self.now(), rate)

    async def sleep_until(self, instant: datetime) -> None:
        while self.now() < instant:
            await asyncio.sleep(self._POLL_SECONDS)

    def _read(self) -> tuple[int, int, float, int]:
        while True:
            which = self._map[0]
            place = 8 + which * self._SLOT.size
            slot = self._SLOT.unpack_from(self._map, place)
            # Twice, because a writer may have gone round once and be in the middle of this slot again.
            if self._map[0] == which and self._SLOT.unpack_from(self._map, place) == slot:
                return slot

    def _write(self, now: datetime, rate: float) -> None:
        other = 1 - self._map[0]
        micros = (now - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
        generation = self._read()[3] + 1
        self._SLOT.pack_into(self._map, 8 + other * self._SLOT.size, micros, time.monotonic_ns(), rate, generation)
        self._map[0] = other


def open_clock(spec: str, *, profile: str) -> Clock:
    """The clock named by the setting `GEMBA_CLOCK`: `real`, or `steered:<file>` for demo and tests.

    Raises `ValueError` for a steered clock in production: nobody may move a real deadline.
    """
    if spec == "real":
        return RealClock()
    kind, _, path = spec.partition(":")
    if kind != "steered" or not path:
        raise ValueError(f"GEMBA_CLOCK is {spec!r}; it must be 'real' or 'steered:<file>'.")
    if profile not in {"demo", "test"}:
        raise ValueError(
            f"GEMBA_CLOCK asks for a steered clock in profile {profile!r}; only demo and test may steer time."
        )
    return SteeredClock(Path(path))


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone; instants are aware.")
    return instant.astimezone(UTC)
