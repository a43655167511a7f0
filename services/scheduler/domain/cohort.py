"""Whether a cohort can be created as it was asked for, and what would be right if not. All faults are told at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from services.scheduler.domain.classrooms import MOST_TOGETHER, sizes
from services.scheduler.domain.delivery import CLASSROOM, Stage, shortest_span_days

FEWEST_ENTERPRISES = 2
"""A classroom is for enterprises together; SCORE has four or five of them."""
MOST_ENTERPRISES = 60
"""In a cohort with several classrooms; how many share one is the delivery plan's to say."""
LONGEST_WINDOW = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, what, and what would be right."""

    code: str
    field: str
    message: str
    expected: str

    def as_detail(self) -> Mapping[str, object]:
        """In the form of a problem's `errors`."""
        return {"code": self.code, "field": self.field, "message": self.message, "expected": self.expected}


@dataclass(frozen=True, slots=True)
class EnterpriseAsked:
    """`name` is how it was asked for; the rest is empty when nothing is known under that name."""

    asked: str
    enterprise_id: UUID | None = None
    country: str | None = None
    active: bool = True
    open_cohort: str | None = None
    """The name of an open cohort of the same module that it is in."""


@dataclass(frozen=True, slots=True)
class TrainerAsked:
    """A trainer of the pool. `certified` says whether a certificate for the module is valid within the window."""

    asked: str
    known: bool
    certified: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A request together with what is known of everything it names. `modules` are the codes in the catalogue."""

    country: str
    countries: frozenset[str] | None
    """The asker's own; None for an outside system, which may name any."""
    known_countries: frozenset[str]
    module: str
    modules: Sequence[str]
    stages: Sequence[Stage]
    enterprises: Sequence[EnterpriseAsked]
    trainers: Sequence[TrainerAsked]
    certified_modules: Sequence[str]
    """Modules for which somebody in the pool is certified within the window."""
    first_day: date
    last_day: date
    today: date


def faults_of(asked: Asked) -> list[Fault]:
    """Everything that is wrong with the request, in the order of the form; empty when it can be granted."""
    return [
        *_country(asked),
        *_module(asked),
        *_enterprises(asked),
        *_window(asked),
        *_trainers(asked),
    ]


def _country(asked: Asked) -> Iterator[Fault]:
    allowed = asked.known_countries if asked.countries is None else asked.countries & asked.known_countries
    if asked.country not in allowed:
        yield Fault(
            "unknown_country",
            "country",
            f"There is no country {asked.country!r} to plan in, or it is not yours.",
            f"one of {', '.join(sorted(allowed))}" if allowed else "a country with enterprises: import them first",
        )


def _module(asked: Asked) -> Iterator[Fault]:
    if asked.module not in asked.modules:
        known = ", ".join(asked.modules) or "a module: import the sheet modules first"
        yield Fault("unknown_module", "module", f"There is no module {asked.module!r}.", f"one of {known}")
    elif not asked.stages:
        yield Fault(
            "no_delivery_plan",
            "module",
            f"Module {asked.module} has no delivery plan for {asked.country}.",
            "its stages in the sheet stages, for this country or for all",
        )


def _enterprises(asked: Asked) -> Iterator[Fault]:
    distinct = {e.enterprise_id or e.asked for e in asked.enterprises}
    if len(distinct) < FEWEST_ENTERPRISES:
        yield Fault(
            "too_few_enterprises",
            "enterprises",
            f"A cohort has {len(distinct)} enterprise(s) here.",
            f"at least {FEWEST_ENTERPRISES} different ones; four or five is usual",
        )
    rooms = [one for one in asked.stages if one.kind == CLASSROOM]
    together = any(one.capacity is None for one in rooms)
    most = MOST_TOGETHER if together or not rooms else MOST_ENTERPRISES
    if len(distinct) > most:
        yield Fault(
            "too_many_enterprises",
            "enterprises",
            f"A cohort has {len(distinct)} enterprises here.",
            f"at most {most}" + (": they share one classroom, unless its stage has a capacity" if together else ""),
        )
    elif len(distinct) >= FEWEST_ENTERPRISES:
        yield from _classrooms(rooms, len(distinct))
    for one in asked.enterprises:
        hidden = one.country != asked.country and asked.countries is not None and one.country not in asked.countries
        if one.enterprise_id is None or hidden or not one.active:
            yield Fault(
                "unknown_enterprise",
                "enterprises",
                f"There is no enterprise {one.asked!r}, or it is not yours.",
                f"an enterprise of {asked.country}",
            )
        elif one.country != asked.country:
            yield Fault(
                "enterprise_of_another_country",
                "enterprises",
                f"Enterprise {one.asked!r} is in {one.country}.",
                f"an enterprise of {asked.country}, or a cohort in {one.country}",
            )
        elif one.open_cohort is not None:
            yield Fault(
                "enterprise_in_open_cohort",
                "enterprises",
                f"Enterprise {one.asked!r} is already in the open cohort “{one.open_cohort}” of {asked.module}.",
                "an enterprise that is not, or that cohort completed or cancelled first",
            )


def _classrooms(rooms: Sequence[Stage], count: int) -> Iterator[Fault]:
    """Every classroom stage can be held with groups of its quorum at least and its capacity at most."""
    for one in rooms:
        if sizes(count, one.quorum, one.capacity) is None:
            fits = [n for n in range(FEWEST_ENTERPRISES, MOST_ENTERPRISES + 1) if sizes(n, one.quorum, one.capacity)]
            near = [*(n for n in fits if n < count)][-1:] + [n for n in fits if n > count][:1]
            yield Fault(
                "no_classroom_fits",
                "enterprises",
                f"{count} enterprises cannot be put into classrooms for {one.stage}, which is held with at least "
                f"{one.quorum}" + (f" and at most {one.capacity}." if one.capacity else "."),
                f"{' or '.join(map(str, near))} enterprises, or another quorum or capacity in the sheet stages",
            )


def _window(asked: Asked) -> Iterator[Fault]:
    if asked.last_day < asked.first_day:
        yield Fault(
            "ends_before_it_starts",
            "last_day",
            f"The last day {asked.last_day} is before the first day {asked.first_day}.",
            "a last day after the first day",
        )
        return
    if asked.first_day < asked.today:
        yield Fault(
            "starts_in_the_past",
            "first_day",
            f"The first day {asked.first_day} has passed; today is {asked.today}.",
            f"{asked.today} or later",
        )
    if asked.last_day - asked.first_day > LONGEST_WINDOW:
        yield Fault(
            "window_too_long",
            "last_day",
            f"The window has {(asked.last_day - asked.first_day).days + 1} days.",
            f"at most {LONGEST_WINDOW.days}; a module lasts two to three months",
        )
    needed = shortest_span_days(asked.stages)
    if (asked.last_day - asked.first_day).days + 1 < needed:
        earliest = asked.first_day + timedelta(days=needed - 1)
        yield Fault(
            "window_too_short",
            "last_day",
            f"The window has {(asked.last_day - asked.first_day).days + 1} days; the stages of {asked.module} "
            f"with their gaps need at least {needed}.",
            f"a last day not before {earliest}, and some weeks later to leave room",
        )


def _trainers(asked: Asked) -> Iterator[Fault]:
    for one in asked.trainers:
        if not one.known:
            yield Fault(
                "unknown_trainer",
                "trainers",
                f"There is no trainer {one.asked!r} in {asked.country}.",
                f"keys of trainers of {asked.country}, or none for all of them",
            )
    if asked.module in asked.modules and not any(one.certified for one in asked.trainers):
        pool = sum(one.known for one in asked.trainers)
        others = ", ".join(asked.certified_modules)
        yield Fault(
            "no_certified_trainer",
            "trainers",
            f"None of the {pool} trainer(s) is certified for {asked.module} "
            f"between {asked.first_day} and {asked.last_day}.",
            "a valid certificate in the sheet certificates"
            + (f", or a module they are certified for: {others}" if others else ""),
        )
