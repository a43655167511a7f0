"""What becomes of a record that was tried, decided in one place for the guard and for parking."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import NotKnownYet, Rejected, Transient
from shared.kafka.envelope import Poison
from shared.kafka.fate import DONE, MAX_FAILURES, fate_of, is_bug
from shared.kafka.inbox import Verdict

_ALL = (
    Verdict.HANDLE,
    Verdict.REPEAT,
    Verdict.GAP,
    NotKnownYet("person"),
    Transient("the database is away"),
    Rejected("no", 409, "No."),
    Poison("no body"),
    RuntimeError("a bug"),
)


@pytest.mark.parametrize("verdict", [Verdict.HANDLE, Verdict.REPEAT])
def test_what_was_handled_now_or_before_is_done_with(verdict: Verdict) -> None:
    assert fate_of(verdict) is DONE


@pytest.mark.parametrize("outcome", [Verdict.GAP, NotKnownYet("person"), Transient("away")])
def test_waiting_and_a_passing_fault_are_never_counted(outcome: Verdict | Exception) -> None:
    for tries in range(1000):
        fate = fate_of(outcome, failures=MAX_FAILURES - 1, tries=tries)
        assert fate.state in {"waiting", "failing"}
        assert fate.failures == MAX_FAILURES - 1


def test_a_handler_that_raises_has_five_tries() -> None:
    states = [fate_of(RuntimeError(), failures=before, tries=before).state for before in range(MAX_FAILURES)]
    assert states == ["failing"] * (MAX_FAILURES - 1) + ["quarantined"]


@pytest.mark.parametrize("outcome", _ALL)
@pytest.mark.parametrize("tries", [None, 0, 3, 10_000])
def test_exactly_what_waits_or_fails_has_a_next_time(outcome: Verdict | Exception, tries: int | None) -> None:
    fate = fate_of(outcome, tries=tries)
    assert (fate.next_in is not None) == (fate.state in {"waiting", "failing"})
    if fate.next_in is not None:
        assert timedelta(milliseconds=250) <= fate.next_in <= timedelta(seconds=60)


def test_only_a_defect_is_reported_as_one() -> None:
    assert [is_bug(outcome) for outcome in _ALL] == [False] * (len(_ALL) - 1) + [True]
