"""One thing after the other happens to a country's plan: what a year does to it, from a seed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from services.scheduler.planner import (
    Absent,
    Cancelled,
    Closed,
    DateSpan,
    Disruption,
    Gap,
    Instance,
    Job,
    JobKind,
    NewHoliday,
    Pin,
    Placement,
    Refused,
    Repair,
    Wanted,
    disrupted,
    repair,
)
from tests.harness.nation import REGIONS, START, visits_of

CHANCES = {
    "decline": 30, "silence": 15, "illness": 15, "closed": 10, "holiday": 2, "follow_up": 12, "confirmed": 12,
    "cohort_added": 2, "cohort_cancelled": 2,
}  # fmt: skip
"""How often each happens, of a hundred. A confirmation pins a visit; a silence is a refusal without a word."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One disruption and what was made of it. `seconds` is the repair alone."""

    name: str
    before: tuple[Placement, ...]
    result: Repair
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What remains of one disruption when its plan is gone."""

    name: str
    hit: int
    moved: int
    left: int
    least: bool
    entries: tuple[int, int, int]
    seconds: float


def outcome_of(one: Happened) -> Outcome:
    """Its figures."""
    result, told = one.result, one.result.difference
    entries = told.entries_new, told.entries_updated, told.entries_cancelled
    return Outcome(one.name, len(result.hit), len(result.moved), len(result.left), result.least, entries, one.seconds)


def happen(instance: Instance, placements: tuple[Placement, ...], count: int, *, seed: int = 1) -> Iterator[Happened]:
    """So many disruptions in a row, each on the plan that the one before it left."""
    chance = random.Random(seed)
    names = chance.choices(list(CHANCES), weights=list(CHANCES.values()), k=count)
    for number, name in enumerate(names):
        what, gone = _one(name, f"{seed}.{number}", instance, placements, chance)
        before = placements
        begun = time.perf_counter()
        changed = what if isinstance(what, Instance) else disrupted(instance, what)
        result = repair(changed, placements, gone=gone)
        took = time.perf_counter() - begun
        instance, placements = result.instance, result.placements
        yield Happened(name, before, result, took)


def _one(
    name: str, number: str, instance: Instance, placements: tuple[Placement, ...], chance: random.Random
) -> tuple[Disruption | Instance, tuple[Job, ...]]:
    visit = chance.choice(placements)
    first = visit.day + timedelta(days=chance.randint(-3, 3))
    jobs = {j.id: j for j in instance.jobs}
    site = next(e for e in instance.enterprises if e.id == jobs[visit.job_id].enterprise_ids[0])
    match name:
        case "decline" | "silence":
            return Refused(visit.job_id, visit.trainer_id), ()
        case "illness":
            return Absent(visit.trainer_id, DateSpan(first, first + timedelta(days=6))), ()
        case "closed":
            return Closed(site.id, DateSpan(first, first + timedelta(days=chance.randint(1, 10)))), ()
        case "holiday":
            return NewHoliday(frozenset({chance.choice(REGIONS)}), visit.day), ()
        case "follow_up":
            return Wanted((_follow_up(f"follow-up {number}", visit, jobs[visit.job_id], instance),)), ()
        case "confirmed":
            pin = Pin(visit.trainer_id, visit.day, visit.start, visit.co_trainers)
            pinned = tuple(replace(j, pinned=pin) if j.id == visit.job_id else j for j in instance.jobs)
            return replace(instance, jobs=pinned), ()
        case "cohort_added":
            sites = chance.sample(instance.enterprises, k=min(5, len(instance.enterprises)))
            days = (instance.horizon.last - START).days
            new = [j for e in sites for j in visits_of(e, chance, days, name=f"{e.id} again {number}")]
            return Wanted(tuple(new)), ()
        case _:
            ids = {site.id, *(e.id for e in chance.sample(instance.enterprises, k=min(3, len(instance.enterprises))))}
            gone = tuple(j for j in instance.jobs if not ids.isdisjoint(j.enterprise_ids))
            return Cancelled(frozenset(j.id for j in gone)), gone


def _follow_up(name: str, after: Placement, cause: Job, instance: Instance) -> Job:
    """Within two months of the visit that wanted it, by somebody else: as the check of a grave finding is."""
    last = min(after.day + timedelta(days=60), instance.horizon.last)
    return Job(
        id=name,
        stage="follow-up",
        kind=JobKind.FOLLOW_UP,
        module=None,
        enterprise_ids=cause.enterprise_ids,
        duration=timedelta(hours=3),
        window=DateSpan(after.day, last),
        after=(Gap(after.job_id, 5),),
        forbidden_trainers=frozenset({after.trainer_id}),
    )


def summed(happened: Sequence[Outcome]) -> dict[str, float]:
    """What a campaign comes to."""
    times = sorted(h.seconds for h in happened)
    made, updated, cancelled = (sum(column) for column in zip(*(h.entries for h in happened), strict=True))
    return {
        "disruptions": len(happened),
        "visits that could not stay": sum(h.hit for h in happened),
        "visits that made room": sum(h.moved for h in happened),
        "visits that lost their place": sum(h.left for h in happened),
        "repairs with proven fewest changes": sum(h.least for h in happened),
        "calendar entries new": made,
        "calendar entries updated": updated,
        "calendar entries cancelled": cancelled,
        "repair, median ms": 1000 * times[len(times) // 2],
        "repair, p99 ms": 1000 * times[int(len(times) * 0.99)],
    }
