"""Named persons and their line have no part in a case: not as recipients, not in lists, counts, pages or acts.

Source: NGO safeguarding practice (if the designated person is the subject, go to the deputy; need-to-know even
against senior management).
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from uuid import UUID


class Because(StrEnum):
    """Why somebody is excluded."""

    NAMED = "named"
    OVER = "line_above"
    UNDER = "line_below"


def excluded(named: Iterable[UUID], manager_of: Mapping[UUID, UUID | None]) -> dict[UUID, Because]:
    """The named, everybody over them and everybody under them, through the whole line; a line that loops ends."""
    found = dict.fromkeys(named, Because.NAMED)
    reports: dict[UUID, list[UUID]] = {}
    for person, manager in manager_of.items():
        if manager is not None:
            reports.setdefault(manager, []).append(person)
    for start in list(found):
        seen = {start}
        above = manager_of.get(start)
        while above is not None and above not in seen:
            seen.add(above)
            found.setdefault(above, Because.OVER)
            above = manager_of.get(above)
        below = list(reports.get(start, ()))
        while below:
            person = below.pop()
            if person not in seen:
                seen.add(person)
                found.setdefault(person, Because.UNDER)
                below.extend(reports.get(person, ()))
    return found
