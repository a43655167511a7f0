"""Which single thing, given way on, would place a visit: found by planning again with that one rule relaxed.

Each relaxation is tried first with all other visits held where they are (exact: every day, hour and trainer of the one
visit is tried), then, if that is not enough, by solving the whole instance again with the others free to move.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from services.scheduler.planner.greedy import Greedy
from services.scheduler.planner.instance import DateSpan, Gap, Instance, Job, Level
from services.scheduler.planner.plan import Placement, Plan, Relaxation, Unplaced
from services.scheduler.planner.solve import solve

WIDER_DAYS = (1, 2, 3, 5, 7, 10, 14, 21, 28)
"""Calendar days tried at both ends of a window or a gap band, smallest first."""

TEXT = {
    "any_trainer_certified": "Any trainer with a certificate for this module and level would place it.",
    "leave_ignored": "Moving {days} day(s) of one trainer's leave would place it.",
    "window_widened": "A window {days} day(s) longer at both ends would place it.",
    "gap_widened": "A gap {days} day(s) wider at both ends would place it.",
    "closed_ignored": "One visit on {days} day(s) on which the enterprise is closed would place it.",
    "any_language": "An interpreter would place it: with one, languages do not matter.",
    "one_visit_more": "One visit more per day and week for its trainer would place it.",
}


@dataclass(frozen=True, slots=True)
class _Try:
    code: str
    instance: Instance
    days: int | None = None


def explain_unplaced(
    instance: Instance,
    plan: Plan,
    *,
    seed: int = 1,
    max_work: float = 2.0,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Unplaced, ...]:
    """The plan's unplaced jobs with their reasons and every single relaxation that is proven to place them.

    A job that only waits for an earlier one gets none: the earlier one's relaxations are the answer. `max_work` is the
    deterministic time of each re-solve with everything free to move; 0 leaves those out. Every relaxed plan keeps all
    other rules and places at least one visit more.
    """
    placed = {p.job_id for p in plan.placements}
    jobs = {j.id: j for j in instance.jobs}
    order = Greedy(instance).bands
    explained = []
    for item in plan.unplaced:
        waits = any(i not in placed for i in order.waits_for(item.job_id))
        found: tuple[Relaxation, ...] = ()
        if not waits and not (cancelled is not None and cancelled()):
            found = tuple(_relaxations(instance, plan, jobs[item.job_id], seed, max_work))
        explained.append(replace(item, relaxations=found))
    return tuple(explained)


def _relaxations(instance: Instance, plan: Plan, job: Job, seed: int, max_work: float) -> Iterator[Relaxation]:
    for tries in _ladders(instance, job):
        found = next((r for t in tries if (r := _held(instance, plan, job, t))), None)
        if found is None and max_work > 0:
            found = _moving(instance, plan, job, tries[-1], seed, max_work)
        if found is not None:
            yield found


def _ladders(instance: Instance, job: Job) -> Iterator[tuple[_Try, ...]]:
    """The relaxations, each as a ladder from the smallest step up; only those that change anything."""
    if job.module is not None:
        yield (_Try("any_trainer_certified", _with(instance, replace(job, module=None, needs_level=Level.CERTIFIED))),)
    if any(t.leave for t in instance.trainers):
        trainers = tuple(replace(t, leave=()) for t in instance.trainers)
        yield (_Try("leave_ignored", replace(instance, trainers=trainers)),)
    if job.pinned is None:
        yield tuple(_Try("window_widened", _with(instance, _wider_window(job, n)), n) for n in WIDER_DAYS)
    if job.after or job.before:
        yield tuple(_Try("gap_widened", _with(instance, _wider_gaps(job, n)), n) for n in WIDER_DAYS)
    if any(e.closed for e in instance.enterprises if e.id in job.enterprise_ids):
        sites = tuple(replace(e, closed=()) if e.id in job.enterprise_ids else e for e in instance.enterprises)
        yield (_Try("closed_ignored", replace(instance, enterprises=sites)),)
    silent: frozenset[str] = frozenset()
    sites = tuple(
        replace(e, manager_languages=silent, worker_languages=silent) if e.id in job.enterprise_ids else e
        for e in instance.enterprises
    )
    yield (_Try("any_language", replace(instance, enterprises=sites)),)
    trainers = tuple(
        replace(t, max_visits_per_day=t.max_visits_per_day + 1, max_visits_per_week=t.max_visits_per_week + 1)
        for t in instance.trainers
    )
    yield (_Try("one_visit_more", replace(instance, trainers=trainers)),)


def _with(instance: Instance, job: Job) -> Instance:
    return replace(instance, jobs=tuple(job if j.id == job.id else j for j in instance.jobs))


def _wider_window(job: Job, days: int) -> Job:
    more = timedelta(days=days)
    return replace(job, window=DateSpan(job.window.first - more, job.window.last + more))


def _wider_gaps(job: Job, days: int) -> Job:
    def wider(gap: Gap) -> Gap:
        last = None if gap.max_days is None else gap.max_days + days
        return Gap(gap.visit, max(0, gap.min_days - days), last)

    return replace(job, after=tuple(map(wider, job.after)), before=tuple(map(wider, job.before)))


def _held(instance: Instance, plan: Plan, job: Job, attempt: _Try) -> Relaxation | None:
    """The cheapest place under the relaxation with every other visit where it is."""
    book = Greedy(attempt.instance)
    for placement in plan.placements:
        book.put(placement)
    relaxed = book.jobs[job.id]
    best = min(book.options(relaxed), key=lambda o: o[0], default=None)
    return None if best is None else _relaxation(instance, attempt, best[1], held=True)


def _moving(instance: Instance, plan: Plan, job: Job, attempt: _Try, seed: int, max_work: float) -> Relaxation | None:
    """A place under the relaxation when the other visits may move, and none of them is lost."""
    if len(instance.jobs) == 1:
        return None
    again = solve(attempt.instance, seed=seed, max_work=max_work)
    placed = {p.job_id: p for p in again.placements}
    if job.id not in placed or not placed.keys() >= {p.job_id for p in plan.placements}:
        return None
    return _relaxation(instance, attempt, placed[job.id], held=False)


def _relaxation(instance: Instance, attempt: _Try, placement: Placement, *, held: bool) -> Relaxation:
    days = attempt.days
    if attempt.code in {"leave_ignored", "closed_ignored"}:
        days = _days_given(instance, placement, attempt.code)
    return Relaxation(attempt.code, TEXT[attempt.code].format(days=days), placement, held, days)


def _days_given(instance: Instance, placement: Placement, code: str) -> int:
    """How many days of the placement lie in the leave of its people, or in the closed days of its enterprises."""
    who = {placement.trainer_id, *placement.co_trainers}
    sites = next(j.enterprise_ids for j in instance.jobs if j.id == placement.job_id)
    spans = [s for t in instance.trainers if t.id in who for s in t.leave]
    if code == "closed_ignored":
        spans = [s for e in instance.enterprises if e.id in sites for s in e.closed]
    days = (placement.day + timedelta(days=n) for n in range(placement.days))
    return sum(any(s.first <= d <= s.last for s in spans) for d in days)
