"""What becomes of a record that was tried: one table for the first try (the guard) and every later one (parking). Pure.

| trying it gave                             | what becomes of it                                              |
|--------------------------------------------|-----------------------------------------------------------------|
| handled, or it was handled before          | done with                                                       |
| too early, or names what is not known yet  | *waiting*: never counted as failed                              |
| a passing fault for over two seconds       | *failing*, not counted                                          |
| its handler raised                         | *failing*, counted; the fifth time *quarantined*                |
| it cannot be read                          | *quarantined*                                                   |
| a business rule refused it                 | *refused*: a visible row; the watermark moves                   |

Whatever waits or fails has a next time of its own: a gap can be judged just before its predecessor commits.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.errors import NotKnownYet, Rejected, Transient
from shared.kafka.envelope import Poison
from shared.kafka.inbox import Verdict

MAX_FAILURES = 5
"""How often a handler may raise before its record is quarantined."""

_FIRST_RETRY = timedelta(milliseconds=250)
_WAITING_RETRY = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=60)

Outcome = Verdict | Exception
"""What one try gave: a verdict whose effect is committed, or what was raised instead."""


@dataclass(frozen=True, slots=True)
class Fate:
    """`state` is the state of the row to keep, None when the record is done with. `next_in` is machine time."""

    state: str | None
    reason: str = ""
    failures: int = 0
    next_in: timedelta | None = None


DONE = Fate(None)


def fate_of(outcome: Outcome, *, failures: int = 0, tries: int | None = None) -> Fate:
    """`failures` and `tries` are those of its row so far; `tries` is None for a record fresh from the log."""
    match outcome:
        case Verdict.HANDLE | Verdict.REPEAT:
            return DONE
        case Verdict.GAP:
            return _waiting("an earlier fact of its aggregate is missing", failures, tries)
        case NotKnownYet():
            return _waiting(f"not known yet: {outcome}", failures, tries)
        case Transient():
            return Fate("failing", str(outcome), failures, _pause(tries))
        case Rejected():
            return Fate("refused", outcome.code, failures)
        case Poison():
            return Fate("quarantined", outcome.reason, failures)
        case _:
            return _failed(type(outcome).__name__, failures + 1, tries)


def is_bug(outcome: Outcome) -> bool:
    """Whether it is nobody's word but a defect, of which the log should say everything."""
    return isinstance(outcome, Exception) and not isinstance(outcome, NotKnownYet | Transient | Rejected | Poison)


def _waiting(reason: str, failures: int, tries: int | None) -> Fate:
    return Fate("waiting", reason, failures, _WAITING_RETRY if tries is None else _pause(tries))


def _failed(name: str, failures: int, tries: int | None) -> Fate:
    if failures >= MAX_FAILURES:
        return Fate("quarantined", f"raised {failures} times: {name}", failures)
    return Fate("failing", name, failures, _pause(tries))


def _pause(tries: int | None) -> timedelta:
    """Doubles from a quarter of a second."""
    doubled: timedelta = _FIRST_RETRY * 2 ** min(tries or 0, 10)
    return min(doubled, LONGEST_PAUSE)
