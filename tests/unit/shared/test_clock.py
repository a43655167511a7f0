"""Business time: real, frozen or steered, and never steered in production."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from shared.clock import FrozenClock, RealClock, SteeredClock, open_clock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def steered(tmp_path: Path) -> SteeredClock:
    return SteeredClock.create(tmp_path / "clock", NOON)


def test_a_steered_clock_stands_still_until_it_is_moved(steered: SteeredClock) -> None:
    assert steered.now() == steered.now() == NOON
    steered.jump_to(NOON + timedelta(days=40))
    assert steered.now() == NOON + timedelta(days=40)


def test_a_running_steered_clock_goes_on_from_where_it_stood(
    steered: SteeredClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = 10**12
    monkeypatch.setattr("shared.clock.time.monotonic_ns", lambda: machine)
    steered.run(rate=60)
    machine += 2 * 10**9
    assert steered.now() == NOON + timedelta(minutes=2)
    machine -= 10**10  # another boot of the machine
    assert steered.now() == NOON


def test_every_move_is_a_generation(steered: SteeredClock) -> None:
    before = steered.generation
    steered.jump_to(NOON)
    steered.run()
    assert steered.generation == before + 2


def test_an_instant_without_a_zone_is_refused(steered: SteeredClock) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        steered.jump_to(datetime(2026, 3, 2, 12))  # noqa: DTZ001
    with pytest.raises(ValueError, match="no time zone"):
        FrozenClock(datetime(2026, 3, 2, 12))  # noqa: DTZ001


def test_instants_are_given_in_utc() -> None:
    assert FrozenClock(datetime(2026, 3, 2, 18, tzinfo=timezone(timedelta(hours=6)))).now() == NOON
    assert RealClock().now().tzinfo is UTC


@pytest.mark.parametrize("profile", ["production", "local"])
def test_only_demo_and_test_may_steer_time(steered: SteeredClock, tmp_path: Path, profile: str) -> None:
    spec = f"steered:{tmp_path / 'clock'}"
    with pytest.raises(ValueError, match="only demo and test may steer"):
        open_clock(spec, profile=profile)
    assert open_clock(spec, profile="demo").now() == NOON
    assert isinstance(open_clock("real", profile=profile), RealClock)


@pytest.mark.parametrize("spec", ["", "fast", "steered:", "real:x"])
def test_a_clock_that_is_none_is_said(spec: str) -> None:
    with pytest.raises(ValueError, match="must be 'real' or 'steered:<file>'"):
        open_clock(spec, profile="test")


@pytest.mark.parametrize("kind", ["frozen", "steered"])
async def test_a_sleeper_wakes_when_time_gets_there_however_it_gets_there(steered: SteeredClock, kind: str) -> None:
    clock = FrozenClock(NOON) if kind == "frozen" else steered
    sleeper = asyncio.create_task(clock.sleep_until(NOON + timedelta(days=1)))

    def move(by: timedelta) -> None:
        if isinstance(clock, FrozenClock):
            clock.advance(by)
        else:
            clock.jump_to(clock.now() + by)

    await asyncio.sleep(0)
    move(timedelta(hours=23))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not sleeper.done()
    move(timedelta(hours=1))
    await asyncio.wait_for(sleeper, 5)


async def test_a_sleep_until_what_is_past_returns_at_once() -> None:
    await asyncio.wait_for(RealClock().sleep_until(NOON - timedelta(days=5000)), 1)


class Interrupted(struct.Struct):
    """Reads and writes of a slot with something happening in the middle of them."""

    in_the_middle: Callable[[], None] | None = None
    written: list[int]

    def unpack_from(self, buffer: Any, offset: int = 0) -> Any:
        found = super().unpack_from(buffer, offset)
        if self.in_the_middle:
            happen, self.in_the_middle = self.in_the_middle, None
            happen()
            after = super().unpack_from(buffer, offset)
            return (*found[:2], *after[2:])  # half of the earlier instant, half of the later one
        return found

    def pack_into(self, buffer: Any, offset: int, *values: Any) -> None:
        self.written.append(offset)
        super().pack_into(buffer, offset, *values)


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Interrupted:
    made = Interrupted("<qqdq")
    made.written = []
    monkeypatch.setattr(SteeredClock, "_SLOT", made)
    return made


def test_a_writer_that_goes_round_while_a_slot_is_read_is_noticed(
    steered: SteeredClock, interrupted: Interrupted
) -> None:
    """Two moves flip the byte back to where it was: that alone would not tell."""

    def move_twice() -> None:
        steered.jump_to(NOON + timedelta(days=1))
        steered.jump_to(NOON + timedelta(days=2))

    interrupted.in_the_middle = move_twice
    assert steered.now() == NOON + timedelta(days=2)


def test_a_move_never_touches_the_slot_that_is_being_read(steered: SteeredClock, interrupted: Interrupted) -> None:
    for day in range(4):
        valid = steered._map[0]
        interrupted.written.clear()
        steered.jump_to(NOON + timedelta(days=day))
        assert interrupted.written == [8 + (1 - valid) * interrupted.size]
        assert steered._map[0] == 1 - valid
