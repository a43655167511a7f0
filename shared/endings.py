"""What is done when a transaction has ended: whoever takes part in one asks for it, whoever opened it says how it ended.

For what must not happen before the commit and need not wait for a notification of it: a sender of alerts that was kept free, a
relay in this process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Ending = Callable[[bool], None]
"""Told how a transaction ended: True when it was committed."""

_endings: ContextVar[list[Ending] | None] = ContextVar("gemba_endings", default=None)


def at_end(act: Ending) -> bool:
    """Have something done as soon as the transaction at hand has ended, by whoever opened it with `transaction`.

    A COMMIT that nobody answered counts as none, though it may have taken effect. Returns False, and does nothing, when
    no such transaction is at hand.
    """
    endings = _endings.get()
    if endings is None:
        return False
    endings.append(act)
    return True


class at_hand:  # noqa: N801 - used as a statement, and for every fact
    """A transaction: it was committed if its body ends without raising."""

    __slots__ = ("_before", "_endings")

    def __enter__(self) -> None:
        self._before = _endings.get()
        self._endings = list[Ending]()
        _endings.set(self._endings)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        _endings.set(self._before)
        for act in self._endings:
            act(kind is None)


@contextmanager
def part_at_hand() -> Iterator[None]:
    """What a part that failed by itself had asked for is told so at once; else it waits for the end of the whole."""
    before, endings = _endings.get(), list[Ending]()
    if before is None:
        yield
        return
    _endings.set(endings)
    try:
        yield
    except BaseException:
        for act in endings:
            act(False)
        raise
    else:
        before.extend(endings)
    finally:
        _endings.set(before)
