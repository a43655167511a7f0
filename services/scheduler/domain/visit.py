"""A visit as far as its date goes: its states, when a cohort is complete, and how a visit is shown.

draft ──publish──► booked ──confirm──► confirmed ──report──► reported
│                  │  ▲                 │
│        decline, lapse, reschedule, missed
│                  ▼  │ placed again    │
└──unplaced──► placing ──nobody──► unplaceable        (any of them) ──► withdrawn
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class VisitState(StrEnum):
    """`placing`: a planning job looks for a place. Published visits are all but drafts."""

    DRAFT = "draft"
    PLACING = "placing"
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    UNPLACEABLE = "unplaceable"
    REPORTED = "reported"
    WITHDRAWN = "withdrawn"


OVER = frozenset({VisitState.REPORTED, VisitState.WITHDRAWN})
"""Nothing changes their date any more."""


def shown_kind(kind: str) -> str:
    """A verification looks like any other follow-up visit, in every list and to everybody (product.md)."""
    return "follow_up" if kind == "verification" else kind


@dataclass(frozen=True, slots=True)
class Progress:
    """One visit's part in its cohort's figures."""

    state: str
    moves: int = 0
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """How a cohort stands. They identify nobody."""

    visits: int
    booked: int
    confirmed: int
    reported: int
    withdrawn: int
    unplaceable: int
    moved: int
    declined: int

    def as_json(self) -> dict[str, int]:
        """As it is answered."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def figures_of(visits: Iterable[Progress]) -> Figures:
    """Count."""
    every = list(visits)
    states = [one.state for one in every]
    return Figures(
        visits=len(every),
        booked=states.count(VisitState.BOOKED) + states.count(VisitState.PLACING),
        confirmed=states.count(VisitState.CONFIRMED),
        reported=states.count(VisitState.REPORTED),
        withdrawn=states.count(VisitState.WITHDRAWN),
        unplaceable=states.count(VisitState.UNPLACEABLE),
        moved=sum(one.moves for one in every),
        declined=sum(one.refusals for one in every),
    )


def is_complete(states: Iterable[str]) -> bool:
    """A cohort is complete when every visit is reported or withdrawn, and at least one was reported."""
    every = set(states)
    return bool(every) and every <= OVER and VisitState.REPORTED in every
