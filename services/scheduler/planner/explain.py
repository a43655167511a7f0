"""What, given way on, would place a visit that has no place: found by looking, proven by planning again.

First all other visits stay where they are (`obstacles`: every day, hour and trainer near the window). One step is
sought; where no single one helps, two together. Each way is then planned again in the relaxed instance and judged by
the independent checker. A step that only helps when other visits move is tried after that, on the visits nearby.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from services.scheduler.planner.attendance import held_without
from services.scheduler.planner.checker import check
from services.scheduler.planner.instance import Instance, Job
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.obstacles import WIDEST, Obstacles, Way
from services.scheduler.planner.part import AROUND, part
from services.scheduler.planner.plan import Placement, Plan, Relaxation, Step, Unplaced
from services.scheduler.planner.relaxed import relaxed
from services.scheduler.planner.solve import solve

MOST_PAIRS = 5
"""How many combinations of two are told, the smallest ones."""

NEIGHBOURS = 8
"""Visits that may move to make room; with more of them planning again takes too long for somebody who waits."""

_PROOF_WORK = 0.1
_MOVING = {
    "any_trainer_certified": "any trainer with a certificate for this module",
    "leave_ignored": "leave moved, and other visits with it",
    "gap_widened": "a week more or less between it and the visits around it",
    "closed_ignored": "visits although the enterprise is closed",
    "any_language": "an interpreter",
    "one_visit_more": "one visit more per day and week",
}
_MOVING_DAYS = 7


def explain_unplaced(
    instance: Instance,
    plan: Plan,
    *,
    seed: int = 1,
    max_work: float = 2.0,
    cancelled: Callable[[], bool] | None = None,
    only: frozenset[str] | None = None,
) -> tuple[Unplaced, ...]:
    """The plan's unplaced jobs with their reasons and the smallest relaxations that are proven to place them.

    A job that only waits for an earlier one gets none, unless it is a classroom that may be held without somebody: the
    earlier one's relaxations are the answer. `max_work` is the
    deterministic time of each re-solve with everything nearby free to move; 0 leaves those out. Every relaxed plan
    keeps all other rules and places at least one visit more. `only`: relaxations for these jobs alone.
    """
    book = Ledger(instance, plan.placements)
    jobs = {j.id: j for j in instance.jobs}
    explained = []
    for item in plan.unplaced:
        found: tuple[Relaxation, ...] = ()
        asked = only is None or item.job_id in only
        if asked and not (cancelled is not None and cancelled()):
            found = tuple(held_without(book, jobs[item.job_id], seed))
            if not book.waits(item.job_id):
                found = (*_relaxations(book, plan, jobs[item.job_id], seed, max_work), *found)
        explained.append(replace(item, relaxations=found))
    return tuple(explained)


def _relaxations(book: Ledger, plan: Plan, job: Job, seed: int, max_work: float) -> Iterator[Relaxation]:
    ways = Obstacles(book, job).smallest()
    told = set()
    for way in ways if ways and len(ways[0].steps) == 1 else ways[:MOST_PAIRS]:
        if proven(book.instance, plan.placements, job.id, way, seed):
            told.add(way.steps[0].code)
            yield _relaxation(way.steps, way.placement, held=True)
    small = len(book.jobs) <= NEIGHBOURS + 1
    if max_work <= 0 or len(book.jobs) == 1 or (ways and not small):
        return
    for code in _MOVING if small else ("one_visit_more", "gap_widened", "leave_ignored"):
        if (code not in told or len(ways[0].steps) > 1) and _changes(book.instance, job, code):
            found = _moving(book, job, Step(code, _MOVING_DAYS if code == "gap_widened" else 1, _MOVING[code]),
                            seed, max_work)  # fmt: skip
            if found is not None:
                yield found


def proven(instance: Instance, placements: Iterable[Placement], job_id: str, way: Way, seed: int = 1) -> bool:
    """Planned again with the steps of a way and everything else held, the visit has a place that the checker passes."""
    crew = frozenset((way.placement.trainer_id, *way.placement.co_trainers))
    job = next(j for j in instance.jobs if j.id == job_id)
    small = part(instance, placements, [job], trainers=crew, around=AROUND + timedelta(days=WIDEST))
    question = relaxed(small, job_id, way.steps)
    answer = solve(question, seed=seed, max_work=_PROOF_WORK)
    return bool(answer.placements) and not check(question, answer)


def _changes(instance: Instance, job: Job, code: str) -> bool:
    """Whether giving way on such a thing changes anything about the instance."""
    match code:
        case "any_trainer_certified":
            return job.module is not None
        case "leave_ignored":
            return any(t.leave for t in instance.trainers)
        case "gap_widened":
            return bool(job.after or job.before)
        case "closed_ignored":
            return any(e.closed for e in instance.enterprises if e.id in job.enterprise_ids)
    return True


def _moving(book: Ledger, job: Job, step: Step, seed: int, max_work: float) -> Relaxation | None:
    """A place under one step when the visits nearby may move, and none of them is lost."""
    near = neighbours(job, book.placements, book.jobs)
    easier = book.instance
    for about in _abouts(easier, job, step):
        easier = relaxed(easier, job.id, [about])
    jobs = {j.id: j for j in easier.jobs}
    question = part(easier, book.placements.values(), [jobs[job.id], *(jobs[i] for i in near)])
    answer = solve(question, seed=seed, max_work=max_work)
    placed = {p.job_id: p for p in answer.placements}
    if job.id not in placed or not placed.keys() >= set(near) or check(question, answer):
        return None
    return _relaxation((step,), placed[job.id], held=False)


def _abouts(instance: Instance, job: Job, step: Step) -> list[Step]:
    """The step for everybody and every enterprise that it can be about."""
    if step.code == "closed_ignored":
        return [replace(step, enterprise_id=e) for e in job.enterprise_ids]
    return [step]


def neighbours(job: Job, placements: Mapping[str, Placement], jobs: Mapping[str, Job]) -> list[str]:
    """The movable visits nearest in time to a job's window, its enterprises' own first."""
    middle = job.window.first + (job.window.last - job.window.first) / 2
    reach = timedelta(days=(job.window.last - job.window.first).days / 2 + 14)

    def far(p: Placement) -> tuple[bool, timedelta, str]:
        return set(jobs[p.job_id].enterprise_ids).isdisjoint(job.enterprise_ids), abs(p.day - middle), p.job_id

    movable = [p for p in placements.values() if jobs[p.job_id].pinned is None and p.job_id != job.id]
    return [p.job_id for p in sorted(movable, key=far) if abs(p.day - middle) <= reach][:NEIGHBOURS]


def _relaxation(steps: tuple[Step, ...], placement: Placement, *, held: bool) -> Relaxation:
    code = "+".join(s.code for s in steps)
    text = "It would have a place with " + " and ".join(s.text for s in steps)
    text += "." if held else ", if other visits move as well."
    return Relaxation(code, text, placement, held, steps[0].amount if len(steps) == 1 else None, steps)
