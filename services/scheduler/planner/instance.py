"""What the planner is asked: one cohort (or one visit), and everything already booked around it.

Pure data. All instants are naive *local wall times of the country* (`Instance.country_zone` says which one): a visit at
nine is at nine on the factory's clock, whatever the clocks do that night. All day numbers are calendar days. Ids are
opaque strings; nothing here is a name, so a plan can be stored and published as it is.

There is deliberately no behaviour on these types beyond refusing nonsense: the checker shares them with the model, and
must share nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from services.scheduler.planner.travel import PLACES_AGREE, Position, Travel


class Level(StrEnum):
    """How far a trainer is certified for one module; each level includes those before it (ILO trainer path)."""

    CANDIDATE = "candidate"
    CERTIFIED = "certified"
    EXPERT = "expert"


class JobKind(StrEnum):
    """What sort of visit it is. Only consultancy visits are subject to continuity."""

    BASELINE = "baseline"
    CLASSROOM = "classroom"
    CONSULTANCY = "consultancy"
    VERIFICATION = "verification"
    FOLLOW_UP = "follow_up"


class Continuity(StrEnum):
    """Whether one trainer for all consultancy visits of an enterprise is a wish (costs points) or a rule."""

    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class DateSpan:
    """Whole days, both ends included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            msg = f"a span of days ends ({self.last}) before it begins ({self.first})"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class WorkingDay:
    """The hours within which a visit begins and ends, local wall time. Travel may lie outside them."""

    start: time = time(8)
    end: time = time(17)


@dataclass(frozen=True, slots=True)
class Certificate:
    """One module, one level, both dates included; `valid_to` None means without end."""

    module: str
    level: Level
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Trainer:
    """Who can be sent. `working_weekdays` are ISO numbers (Monday 1); limits count visit days, booked ones included."""

    id: str
    home: Position
    languages: frozenset[str]
    certificates: tuple[Certificate, ...]
    region: str
    leave: tuple[DateSpan, ...] = ()
    max_visits_per_day: int = 2
    max_visits_per_week: int = 4
    conflicts: frozenset[str] = frozenset()
    working_weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Enterprise:
    """Where visits happen. A trainer needs one language of the managers and one of the workers; an empty set needs
    none. `closed` holds the enterprise's own holidays and its peak season.
    """

    id: str
    position: Position
    region: str
    manager_languages: frozenset[str]
    worker_languages: frozenset[str]
    working_weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    closed: tuple[DateSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """A band in calendar days between the last day of the earlier visit and the first day of the later one.

    `visit` is the id of a job or of something booked: the earlier one in `Job.after`, the later one in `Job.before`.
    With 0 days the later visit still begins after the earlier one has ended. `max_days` None means no upper end.
    """

    visit: str
    min_days: int
    max_days: int | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """A confirmed visit: it stays where it is, or it is unplaced with the reason why it cannot stay."""

    trainer: str
    day: date
    start: time
    co_trainers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One visit or classroom block to place.

    `duration` is the time on site *per day*; `days` > 1 is a block on consecutive calendar days at the same hours with
    the same people, which shares no day with another visit of its trainers. The whole block lies within `window`. The
    place is `venue`, or the first enterprise's site; `online` means the trainer stays at home. `module` None needs no
    certificate. With `crew` 2 the lead is an expert and the second at least a candidate (a candidate delivers only
    paired with an expert). A classroom is held with at least `quorum` enterprises: above 1 it may be held without some of its
    group (`Placement.absent`), never without the host where its room is, and not any more once it is `announced`. Whoever found a zero-tolerance matter goes into `forbidden_trainers` of its verification.
    """

    id: str
    stage: str
    kind: JobKind
    module: str | None
    enterprise_ids: tuple[str, ...]
    duration: timedelta
    window: DateSpan
    target: date | None = None
    days: int = 1
    venue: Position | None = None
    online: bool = False
    after: tuple[Gap, ...] = ()
    before: tuple[Gap, ...] = ()
    forbidden_trainers: frozenset[str] = frozenset()
    prefer_trainers: frozenset[str] = frozenset()
    needs_level: Level = Level.CERTIFIED
    skills: frozenset[str] = frozenset()
    crew: int = 1
    quorum: int = 1
    announced: bool = False
    pinned: Pin | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """Something immovable: [start, end) on the wall clock. With an enterprise it is a visit and counts towards the
    limits per day and week and towards the load; without one it is only time (a dentist, another programme).
    Several days are one unbroken block. `position` None: the trainer is at home. `absent`: enterprises of a classroom's group
    that stay away from it, and so from what comes after it.
    """

    id: str
    trainer_ids: frozenset[str]
    enterprise_ids: frozenset[str]
    start: datetime
    end: datetime
    position: Position | None = None
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Weights:
    """What a plan costs, in points. One point is worth a kilometre unless configured otherwise.

    `unplaced` must outweigh everything else together, or the planner will leave visits out to save petrol.
    """

    per_km: float = 1.0
    """per road kilometre driven in addition to what the booked visits need anyway"""
    per_day_off_target: float = 4.0
    """per calendar day between a visit's first day and its target"""
    per_trainer_changed: float = 60.0
    """per enterprise and trainer beyond the first in its consultancy visits"""
    per_not_preferred: float = 30.0
    """per visit that names preferred trainers and gets another lead"""
    per_visit_over_share: float = 15.0
    """per trainer and visit above the fair share: all visits / trainers, rounded up, booked ones included"""
    per_night_away: float = 50.0
    """per night when home, site and back do not fit into the longest day with the visit"""
    per_hour_after_opening: float = 0.1
    """per hour that a visit begins after the working day: only breaks ties, early first"""
    unplaced: float = 20_000.0
    """per visit not placed; an enterprise that stays away from a classroom counts for its share of one"""


@dataclass(frozen=True, slots=True)
class Instance:
    """One question to the planner. `holidays` maps a region to its public holidays; a trainer's region counts for the
    trainer, an enterprise's for the enterprise. Starts are placed on `grid` steps from the opening of the day.
    """

    horizon: DateSpan
    country_zone: str
    trainers: tuple[Trainer, ...]
    enterprises: tuple[Enterprise, ...]
    jobs: tuple[Job, ...]
    booked: tuple[Booked, ...] = ()
    holidays: Mapping[str, frozenset[date]] = field(default_factory=dict)
    weights: Weights = Weights()
    working_day: WorkingDay = WorkingDay()
    travel: Travel = field(default_factory=Travel)
    continuity: Continuity = Continuity.SOFT
    grid: timedelta = timedelta(minutes=30)

    def __post_init__(self) -> None:
        """Raise `ValueError` naming the first thing that refers to nothing or cannot be meant."""
        trainers = _unique("trainer", [t.id for t in self.trainers])
        enterprises = _unique("enterprise", [e.id for e in self.enterprises])
        visits = _unique("visit", [j.id for j in self.jobs] + [b.id for b in self.booked])
        for job in self.jobs:
            _refuse_nonsense(job, trainers, enterprises, visits)
        for item in self.booked:
            if item.end <= item.start:
                msg = f"booked {item.id} ends before it begins"
                raise ValueError(msg)
        if self.grid < timedelta(minutes=1) or self.working_day.end <= self.working_day.start:
            msg = "the working day and the grid of starts must be longer than nothing"
            raise ValueError(msg)
        _refuse_places_off_the_table(self)


def _unique(what: str, ids: list[str]) -> frozenset[str]:
    seen = frozenset(ids)
    if len(seen) != len(ids):
        msg = f"{what} ids are not unique"
        raise ValueError(msg)
    return seen


def _refuse_nonsense(job: Job, trainers: frozenset[str], enterprises: frozenset[str], visits: frozenset[str]) -> None:
    pinned = (job.pinned.trainer, *job.pinned.co_trainers) if job.pinned else ()
    wrong = (
        (not job.enterprise_ids, "has no enterprise"),
        (not enterprises.issuperset(job.enterprise_ids), "names an unknown enterprise"),
        (not visits.issuperset(g.visit for g in (*job.after, *job.before)), "keeps a gap to an unknown visit"),
        (any(g.visit == job.id for g in (*job.after, *job.before)), "keeps a gap to itself"),
        (not trainers.issuperset(pinned), "is pinned to an unknown trainer"),
        (bool(pinned) and len(set(pinned)) != job.crew, "is pinned with another crew size"),
        (job.crew not in (1, 2), "has a crew that is neither 1 nor 2"),
        (job.quorum < 1, "has a quorum below 1"),
        (job.days < 1, "lasts less than one day"),
        (not timedelta(0) < job.duration < timedelta(days=1), "lasts no time or a day and more per day"),
    )
    for is_wrong, text in wrong:
        if is_wrong:
            msg = f"job {job.id} {text}"
            raise ValueError(msg)


def _refuse_places_off_the_table(instance: Instance) -> None:
    """Every place that is driven to has a row in the table of roads, unless gaps are estimated."""
    matrix = instance.travel.matrix
    if matrix is None or matrix.estimate:
        return
    wanted = [(f"the home of trainer {t.id}", t.home) for t in instance.trainers]
    wanted += [(f"the site of enterprise {e.id}", e.position) for e in instance.enterprises]
    wanted += [(f"the venue of {j.id}", j.venue) for j in instance.jobs if j.venue]
    wanted += [(f"the place of {b.id}", b.position) for b in instance.booked if b.position]
    for whose, place in wanted:
        if (round(place.lat, PLACES_AGREE), round(place.lon, PLACES_AGREE)) not in matrix.rows:
            msg = f"travel.matrix: {whose} ({place.lat}, {place.lon}) is not among its places"
            raise ValueError(msg)
