"""What planning knows of a country at one moment, and what it is asked: plain data that can travel to another process.

Days are calendar days and times are wall times of `World.zone`; instants are aware.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from services.scheduler.domain.gaps import Distance
from services.scheduler.domain.load import TrainerLoad


@dataclass(frozen=True, slots=True)
class CertificateHeld:
    module: str
    level: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class TrainerKnown:
    """Weekdays are ISO numbers, Monday is 1; spans of days include both ends."""

    trainer_id: UUID
    latitude: float
    longitude: float
    region: str
    languages: frozenset[str]
    certificates: tuple[CertificateHeld, ...]
    leave: tuple[tuple[date, date], ...]
    max_visits_per_day: int
    max_visits_per_week: int
    conflicts: frozenset[UUID]
    working_weekdays: frozenset[int]


@dataclass(frozen=True, slots=True)
class Site:
    enterprise_id: UUID
    latitude: float
    longitude: float
    region: str
    zone: str
    working_weekdays: frozenset[int]
    manager_languages: frozenset[str]
    worker_languages: frozenset[str]
    closed: tuple[tuple[date, date], ...]


@dataclass(frozen=True, slots=True)
class Booking:
    """Something in the timetable. Without a position its trainers are at home (an online visit)."""

    visit_id: UUID
    trainer_ids: frozenset[UUID]
    enterprise_ids: frozenset[UUID]
    starts_at: datetime
    ends_at: datetime
    position: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Wish:
    """One visit that wants a place."""

    visit_id: UUID
    stage: str
    kind: str
    module: str | None
    enterprise_ids: tuple[UUID, ...]
    minutes: int
    days: int
    online: bool
    first: date
    last: date
    target: date | None = None
    after: tuple[Distance, ...] = ()
    before: tuple[Distance, ...] = ()
    forbidden: frozenset[UUID] = frozenset()
    prefer: frozenset[UUID] = frozenset()
    quorum: int = 1
    """Fewest enterprises with which a classroom is held."""
    announced: bool = False
    """Everybody of its group was told of it, so nobody is left out of it any more."""
    crew: int = 1
    """Trainers who go: one, or an expert with somebody who is at least a candidate."""


@dataclass(frozen=True, slots=True)
class World:
    """`version` is that of the country when this was read; `holidays` maps each region to its days."""

    country: str
    version: int
    zone: str
    trainers: tuple[TrainerKnown, ...]
    sites: tuple[Site, ...]
    bookings: tuple[Booking, ...]
    holidays: Mapping[str, frozenset[date]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    """What a point is here; what is not named has the planner's default."""
    roads: Mapping[str, Any] | None = None
    """The country's table of roads as far as this world reaches; None where they are estimated."""

    def without(self, *visit_ids: UUID) -> "World":
        """The same world in which these visits are not booked: they are about to get another place."""
        return replace(self, bookings=tuple(b for b in self.bookings if b.visit_id not in visit_ids))

    def closed_at(self, enterprise_id: UUID, day: date) -> "World":
        """The same world with one enterprise closed on a day: a visit may not come back to where it was."""
        return self.shut(enterprise_id, day, day)

    def away(self, trainer_id: UUID, first: date, last: date) -> "World":
        """The same world with one trainer on leave for some days more."""
        trainers = tuple(
            replace(one, leave=(*one.leave, (first, last))) if one.trainer_id == trainer_id else one
            for one in self.trainers
        )
        return replace(self, trainers=trainers)

    def shut(self, enterprise_id: UUID, first: date, last: date) -> "World":
        """The same world with one enterprise closed for some days more."""
        sites = tuple(
            replace(site, closed=(*site.closed, (first, last))) if site.enterprise_id == enterprise_id else site
            for site in self.sites
        )
        return replace(self, sites=sites)

    def off(self, region: str, day: date) -> "World":
        """The same world with a public holiday more, in one region or (empty) everywhere."""
        regions = {one.region for one in self.trainers} | {site.region for site in self.sites}
        more = {
            name: self.holidays.get(name, frozenset()) | ({day} if region in {"", name} else frozenset())
            for name in regions
        }
        return replace(self, holidays={**self.holidays, **more})


@dataclass(frozen=True, slots=True)
class Seat:
    """A place for a visit: on `day` and the `days - 1` days after it, from `start` to `end`."""

    visit_id: UUID
    trainer_id: UUID
    day: date
    start: time
    end: time
    days: int = 1
    co_trainer_ids: tuple[UUID, ...] = ()
    absent_ids: tuple[UUID, ...] = ()
    """Enterprises of its group without which a classroom is held."""


@dataclass(frozen=True, slots=True)
class Why:
    """A reason by its stable code and in a coordinator's words, without ids in it."""

    code: str
    text: str
    enterprise_id: UUID | None = None
    stage: str | None = None
    trainer_id: UUID | None = None
    day: date | None = None

    def as_json(self) -> dict[str, object]:
        """As it is stored and answered."""
        return {
            "code": self.code,
            "text": self.text,
            "enterprise_id": str(self.enterprise_id) if self.enterprise_id else None,
            "stage": self.stage,
            "trainer_id": str(self.trainer_id) if self.trainer_id else None,
            "day": self.day.isoformat() if self.day else None,
        }


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another trainer for the same visit: what the change would cost in points, or why it cannot be."""

    trainer_id: UUID
    day: date | None
    extra_cost: float | None
    why_not: Why | None = None

    def as_json(self) -> dict[str, object]:
        """As it is stored and answered."""
        return {
            "trainer_id": str(self.trainer_id),
            "day": self.day.isoformat() if self.day else None,
            "extra_cost": None if self.extra_cost is None else round(self.extra_cost, 1),
            "why_not": self.why_not.text if self.why_not else None,
            "code": self.why_not.code if self.why_not else None,
        }


@dataclass(frozen=True, slots=True)
class ReliefStep:
    """One of the things that have to give way together; whose or what it is, and from when to when."""

    code: str
    text: str
    amount: int
    trainer_id: UUID | None = None
    enterprise_id: UUID | None = None
    first: date | None = None
    last: date | None = None

    def as_json(self) -> dict[str, object]:
        """As it is stored and answered."""
        return {
            "code": self.code,
            "text": self.text,
            "amount": self.amount,
            "trainer_id": str(self.trainer_id) if self.trainer_id else None,
            "enterprise_id": str(self.enterprise_id) if self.enterprise_id else None,
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
        }


@dataclass(frozen=True, slots=True)
class Relief:
    """What to give way on so that the visit has a place, proven by planning again: one thing, or two together."""

    code: str
    text: str
    trainer_id: UUID
    day: date
    steps: tuple[ReliefStep, ...] = ()
    everything_else_held: bool = True

    def as_json(self) -> dict[str, object]:
        """As it is stored and answered."""
        return {
            "code": self.code,
            "text": self.text,
            "trainer_id": str(self.trainer_id),
            "day": self.day.isoformat(),
            "steps": [step.as_json() for step in self.steps],
            "everything_else_held": self.everything_else_held,
        }


@dataclass(frozen=True, slots=True)
class Left:
    """A visit without a place."""

    visit_id: UUID
    reasons: tuple[Why, ...]
    relief: tuple[Relief, ...] = ()


@dataclass(frozen=True, slots=True)
class Absence:
    """An enterprise that stays away from a classroom so that it can be held, and why."""

    enterprise_id: UUID
    reasons: tuple[Why, ...]

    def as_json(self) -> dict[str, object]:
        """As it is stored and answered."""
        return {"enterprise_id": str(self.enterprise_id), "reasons": [one.as_json() for one in self.reasons]}


@dataclass(frozen=True, slots=True)
class Clash:
    """A rule that a plan breaks in the present world."""

    rule: str
    text: str
    visit_ids: tuple[UUID, ...]
    trainer_id: UUID | None = None
    enterprise_id: UUID | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the planner answers for a cohort. `clashes` is what the independent checker found: it must be empty."""

    seats: tuple[Seat, ...]
    left: tuple[Left, ...]
    alternatives: Mapping[UUID, tuple[Alternative, ...]]
    cost: float
    bound: float
    gap: float
    parts: Mapping[str, float]
    status: str
    clashes: tuple[Clash, ...] = ()
    loads: tuple[TrainerLoad, ...] = ()
    trace: tuple[tuple[float, ...], ...] = ()
    """Seconds since it began, best cost, proven bound, visits without a place."""
    absences: Mapping[UUID, tuple[Absence, ...]] = field(default_factory=dict)
    """Who stays away, by classroom."""
