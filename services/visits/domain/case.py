"""A zero-tolerance case: its state, and what a decision about it consists of.

    alerting ─no answer▶ next tier ─used up▶ unowned (paged daily)
        └──────── acknowledge ────────┴──▶ owned ─shelf-life over▶ asked ─no answer▶ next tier
                                            owned/asked ─propose▶ closing ─approve▶ closed
                                              ▲──────────return────┘
    suspected ─confirm▶ confirmed

Invariant: a case that is not closed has exactly one deadline, in the future and at most the pack's longest step away.
Who acts is decided in `case_acts`, what the clock does in `escalation`; both are pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.visits.domain.pack import Pack
from services.visits.domain.working_time import Calendar


class Standing(StrEnum):
    """Who the case waits for."""

    ALERTING = "alerting"
    UNOWNED = "unowned"
    OWNED = "owned"
    ASKED = "asked"
    CLOSING = "closing"
    CLOSED = "closed"


class Stage(StrEnum):
    """How much is known."""

    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"


class Outcome(StrEnum):
    """How a case ends; cancelled is not resolved."""

    RESOLVED = "resolved"
    CANCELLED = "cancelled"


class Verification(StrEnum):
    """Whether somebody independent has seen the fix."""

    NONE = "none"
    WANTED = "wanted"
    PLANNED = "planned"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `tier` is the last tier alerted (1 is the first, 0 before any), `step` counts the alerts."""

    case_id: UUID
    country: str
    item: int
    enterprise_id: UUID | None
    raised_by: UUID
    opened_at: datetime
    standing: Standing = Standing.ALERTING
    stage: Stage = Stage.SUSPECTED
    tier: int = 0
    step: int = 0
    owner_id: UUID | None = None
    due_at: datetime | None = None
    verification: Verification = Verification.NONE
    verification_visit_id: UUID | None = None
    proposed_outcome: Outcome | None = None
    proposed_by: UUID | None = None
    outcome: Outcome | None = None
    approved_by: UUID | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody must still act."""
        return self.standing is not Standing.CLOSED


@dataclass(frozen=True, slots=True)
class Roster:
    """Who may be told of one case: the excluded are left out already, and nobody adds anybody later."""

    by_role: Mapping[str, tuple[UUID, ...]]
    elsewhere: tuple[UUID, ...]
    """Heads of other countries, or administrators where there is none: told only when nobody else is left."""
    excluded: frozenset[UUID] = frozenset()

    def of(self, *roles: str) -> tuple[UUID, ...]:
        """The persons with any of these roles, each once."""
        found = [person for role in roles for person in self.by_role.get(role, ())]
        return tuple(dict.fromkeys(found))

    def knows(self, person: UUID) -> bool:
        """Whether this person is still somebody the case may be with."""
        return person not in self.excluded and (person in self.of(*self.by_role) or person in self.elsewhere)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a case is decided by: its pinned pack, its country's calendar, and who may be told."""

    pack: Pack
    calendar: Calendar
    roster: Roster


class AlertKind(StrEnum):
    """Why somebody is told."""

    OPENED = "opened"
    ESCALATED = "escalated"
    UNOWNED = "unowned"
    LAPSED = "lapsed"
    CLOSURE = "closure"


@dataclass(frozen=True, slots=True)
class Alerted:
    """These persons are told, and until when an answer is waited for. `cause` is a code."""

    kind: AlertKind
    step: int
    tier: int
    recipients: tuple[UUID, ...]
    respond_by: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class TierEmpty:
    """A tier without anybody who may be told: passed over at once."""

    tier: int
    role: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody owns the case until then."""

    owner_id: UUID
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Renewed:
    """The owner gave a sign of progress: the shelf-life begins again."""

    owner_id: UUID
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Confirmed:
    """It was so, or so serious that it is treated as so."""

    by: UUID
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class OwnerLost:
    """The owner may not have the case any longer. `cause` is a code."""

    owner_id: UUID
    cause: str


@dataclass(frozen=True, slots=True)
class VerificationAsked:
    """A visit by somebody independent is wanted."""

    visit_id: UUID


@dataclass(frozen=True, slots=True)
class VerificationNoted:
    """What became of the verification visit."""

    visit_id: UUID
    verification: Verification


@dataclass(frozen=True, slots=True)
class Proposed:
    """One person says how it ended; another one must agree."""

    outcome: Outcome
    by: UUID


@dataclass(frozen=True, slots=True)
class Returned:
    """The second person did not agree: it stays open, with its owner."""

    by: UUID
    owner_id: UUID
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """Two different persons said so."""

    outcome: Outcome
    proposed_by: UUID
    approved_by: UUID


CaseEvent = (
    Alerted | TierEmpty | Acknowledged | Renewed | Confirmed | OwnerLost | VerificationAsked | VerificationNoted
    | Proposed | Returned | Closed
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """The case as it is after, and what happened, in order. Nothing happened: no events, the case as it was."""

    case: Case
    events: tuple[CaseEvent, ...] = field(default=())

    def then(self, *events: CaseEvent, **changes: object) -> "Decision":
        """The decision with one thing more."""
        return Decision(replace(self.case, **changes), (*self.events, *events))  # type: ignore[arg-type]
