"""Which jobs the search takes out and puts in together: chains of one enterprise's consultancy visits, single jobs else."""

from collections import defaultdict
from collections.abc import Iterable

from services.scheduler.planner.bands import Bands
from services.scheduler.planner.eligibility import optional_guests
from services.scheduler.planner.instance import Instance, Job, JobKind


def has_its_days(job: Job) -> bool:
    """Whether the search gives a job its trainers' days for itself: a block, a pair, one held online, or a classroom from
    which somebody may stay away.
    """
    return job.days > 1 or job.crew > 1 or job.online or bool(optional_guests(job))


def units_of(instance: Instance, bands: Bands, jobs: Iterable[Job]) -> list[list[Job]]:
    """Jobs by unit, each unit in the order of its bands, the units in an order in which none comes before what it waits for.

    A visit joins the unit of the one before it when that is the only job it waits for, so units never wait in a circle.
    """
    known = {j.id: j for j in jobs}
    unit_of: dict[str, list[Job]] = {}
    units: list[list[Job]] = []
    for job_id in bands.order(instance):
        job = known.get(job_id)
        if job is None:
            continue
        waits = set(bands.waits_for(job_id))
        before = next(iter(waits)) if len(waits) == 1 else None
        chain = unit_of.get(before) if before is not None else None
        if chain is not None and chain[-1].id == before and _of_one_chain(chain[-1], job):
            chain.append(job)
            unit_of[job_id] = chain
        else:
            unit_of[job_id] = [job]
            units.append(unit_of[job_id])
    return units


def _of_one_chain(earlier: Job, later: Job) -> bool:
    consultancy = earlier.kind is JobKind.CONSULTANCY and later.kind is JobKind.CONSULTANCY
    return (
        consultancy
        and earlier.enterprise_ids == later.enterprise_ids
        and earlier.venue == later.venue
        and not has_its_days(earlier)
        and not has_its_days(later)
    )


def ranks(units: list[list[Job]], bands: Bands) -> list[int]:
    """For each unit, how many others come one after the other before it."""
    where = {job.id: n for n, unit in enumerate(units) for job in unit}
    rank = [0] * len(units)
    for n, unit in enumerate(units):
        for job in unit:
            earlier = [where[i] for i in bands.waits_for(job.id) if i in where and where[i] != n]
            rank[n] = max(rank[n], *(rank[e] + 1 for e in earlier)) if earlier else rank[n]
    return rank


def followers(units: list[list[Job]], bands: Bands) -> list[list[int]]:
    """For each unit, the others that are not placed without it."""
    where = {job.id: n for n, unit in enumerate(units) for job in unit}
    found: list[list[int]] = []
    for n, unit in enumerate(units):
        later = {where[i] for job in unit for i in bands.follows(job.id) if i in where}
        found.append(sorted(later - {n}))
    return found


def by_enterprise(units: list[list[Job]]) -> dict[str, set[int]]:
    """Units that each enterprise takes part in."""
    found: dict[str, set[int]] = defaultdict(set)
    for n, unit in enumerate(units):
        for job in unit:
            for enterprise in job.enterprise_ids:
                found[enterprise].add(n)
    return found
