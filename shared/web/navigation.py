"""One navigation over all services: who sees which entry. A table, not code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.auth import Identity


@dataclass(frozen=True, slots=True)
class Entry:
    """One link; `current` when the page belongs to it."""

    label: str
    href: str
    current: bool = False


_COORDINATOR: Final = frozenset({"coordinator"})
_TRAINER: Final = frozenset({"trainer"})
_SAFEGUARDING: Final = frozenset({"officer", "deputy", "head"})
_EVERYBODY: Final[frozenset[str]] = frozenset()

_TABLE: Final = (
    ("Today", "/scheduler/", _COORDINATOR),
    ("Cohorts", "/scheduler/cohorts", _COORDINATOR),
    ("Import", "/directory/import", _COORDINATOR | {"administrator"}),
    ("My visits", "/visits/", _TRAINER),
    ("Cases", "/visits/cases", _SAFEGUARDING),
    ("Actions", "/visits/actions", _COORDINATOR | {"enterprise"}),
    ("Messages", "/notifications/", _EVERYBODY),
)


def entries_for(identity: Identity | None, path: str) -> list[Entry]:
    """Return the entries this person has, the one that `path` belongs to marked as current."""
    if identity is None:
        return []
    shown = [(label, href) for label, href, roles in _TABLE if not roles or identity.has(*roles)]
    matching = [href for _, href in shown if path == href or path.startswith(href.rstrip("/") + "/")]
    current = max(matching, key=len, default=None)
    return [Entry(label, href, href == current) for label, href in shown]


def home_of(identity: Identity | None) -> str:
    """Return where this person's work starts: the first entry of their navigation."""
    entries = entries_for(identity, "")
    return entries[0].href if entries else "/directory/sign-in"


def local_path(wanted: str | None, default: str) -> str:
    r"""Return where to go next if it is a path of this installation, else `default`.

    What stands in `?next=` comes from a link that anybody can make: another host, in any of the
    forms that browsers take for one (`//host`, `/\host`, a control character in front), is not followed.
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return default
    return wanted if wanted.isprintable() and "\\" not in wanted else default
