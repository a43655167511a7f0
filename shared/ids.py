"""Identifiers: UUIDv7 (RFC 9562 §5.7), made by whoever creates the thing; one thing has one id everywhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import uuid_utils.compat

_make: Callable[[], UUID] = uuid_utils.compat.uuid7


def new_id() -> UUID:
    """A fresh id, in creation order for one process, so that indexes on it grow at their end."""
    return _make()


@contextmanager
def ids_from(make: Callable[[], UUID]) -> Iterator[None]:
    """Ids of another source for a while: a simulation must come out the same whenever it begins with the same seed."""
    global _make
    before, _make = _make, make
    try:
        yield
    finally:
        _make = before
