"""A few visits of a plan as an instance of their own: all the rest of the plan becomes booked around them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from services.scheduler.planner.instance import Booked, DateSpan, Gap, Instance, Job
from services.scheduler.planner.plan import Placement
from services.scheduler.planner.travel import Position

AROUND = timedelta(days=8)
"""An ISO week and a night's drive around the free visits: further away nothing stands in their way."""


def part(
    instance: Instance,
    placements: Iterable[Placement],
    free: Iterable[Job],
    *,
    trainers: frozenset[str] | None = None,
    around: timedelta = AROUND,
) -> Instance:
    """The `free` jobs beside everything that is placed or booked near them, for these trainers (None: all).

    What is left out can neither clash with a free visit nor count towards one of its limits, so a plan of the part is
    sound in the whole; `around` must reach that far beyond the windows. Its points are not those of the whole: shares of the load and continuity need all visits.
    """
    free = tuple(free)
    ids = {j.id for j in free}
    fixed = {p.job_id: p for p in placements if p.job_id not in ids}
    people = tuple(t for t in instance.trainers if trainers is None or t.id in trainers)
    names = {t.id for t in people}
    places = {e for j in free for e in j.enterprise_ids}
    span = DateSpan(min(j.window.first for j in free) - around, max(j.window.last for j in free) + around)
    bound = _bands(instance, free, set(fixed) | {b.id for b in instance.booked})
    linked = {g.visit for j in bound for g in (*j.after, *j.before)}
    sites = {e.id: e.position for e in instance.enterprises}
    booked = [b for b in instance.booked if b.id in linked or _near(b, names, places, span)]
    for job in instance.jobs:
        placement = fixed.get(job.id)
        if placement is None:
            continue
        concerned = not names.isdisjoint((placement.trainer_id, *placement.co_trainers))
        concerned = concerned or not places.isdisjoint(job.enterprise_ids)
        last = placement.day + timedelta(days=placement.days - 1)
        if job.id in linked or (concerned and placement.day <= span.last and last >= span.first):
            booked.append(booked_of(placement, job, sites))
    return replace(
        instance,
        horizon=DateSpan(
            max(instance.horizon.first, span.first), max(instance.horizon.first, min(instance.horizon.last, span.last))
        ),
        trainers=people,
        enterprises=tuple(e for e in instance.enterprises if e.id in places),
        jobs=bound,
        booked=tuple(booked),
    )


def booked_of(placement: Placement, job: Job, sites: dict[str, Position]) -> Booked:
    """A placement as something immovable, under its job's id."""
    last = placement.day + timedelta(days=placement.days - 1)
    return Booked(
        id=job.id,
        trainer_ids=frozenset((placement.trainer_id, *placement.co_trainers)),
        enterprise_ids=frozenset(job.enterprise_ids).difference(placement.absent),
        start=datetime.combine(placement.day, placement.start),
        end=datetime.combine(last, placement.end),
        position=None if job.online else job.venue or sites[job.enterprise_ids[0]],
        absent=frozenset(placement.absent),
    )


def _near(item: Booked, people: set[str], places: set[str], span: DateSpan) -> bool:
    if item.end.date() < span.first or item.start.date() > span.last:
        return False
    return not people.isdisjoint(item.trainer_ids) or not places.isdisjoint(item.enterprise_ids)


def _bands(instance: Instance, free: tuple[Job, ...], fixed: set[str]) -> tuple[Job, ...]:
    """The free jobs with every band that touches them, also those that the other visit states."""
    ids = {j.id for j in free}
    before: dict[str, list[Gap]] = {j.id: [] for j in free}
    after: dict[str, list[Gap]] = {j.id: [] for j in free}
    for other in instance.jobs:
        if other.id in ids or other.id not in fixed:
            continue
        for gap in other.after:
            if gap.visit in ids:
                before[gap.visit].append(Gap(other.id, gap.min_days, gap.max_days))
        for gap in other.before:
            if gap.visit in ids:
                after[gap.visit].append(Gap(other.id, gap.min_days, gap.max_days))
    known = ids | fixed
    return tuple(
        replace(
            j,
            after=tuple(g for g in (*j.after, *after[j.id]) if g.visit in known),
            before=tuple(g for g in (*j.before, *before[j.id]) if g.visit in known),
        )
        for j in free
    )
