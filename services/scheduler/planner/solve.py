"""Solve an instance within a budget of work (repeatable) or of seconds: greedy and descent first, then CP-SAT from there; where one
exact model does not hold it, the neighbourhood search of `large`.
"""

from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread
from time import monotonic

from ortools.sat.python import cp_model

from services.scheduler.planner.descent import improved
from services.scheduler.planner.diagnosis import absences, diagnose
from services.scheduler.planner.greedy import Greedy
from services.scheduler.planner.instance import Instance, Job
from services.scheduler.planner.large import is_large, search_large
from services.scheduler.planner.model import SCALE, Model
from services.scheduler.planner.plan import (
    Placement,
    Plan,
    PlanStatus,
    Progress,
    Unplaced,
)
from services.scheduler.planner.routes import Routes
from services.scheduler.planner.timetable import minute
from services.scheduler.planner.valuation import Valuation

DEFAULT_WORK = 20.0
"""Deterministic seconds of CP-SAT when the caller sets no budget at all."""

POLL_SECONDS = 0.05

ROUNDING = 0.005
"""Points per visit by which the model's whole numbers may differ from the sums. Above it nothing is called proven."""


def solve(
    instance: Instance,
    *,
    seed: int = 1,
    max_work: float | None = None,
    max_seconds: float | None = None,
    workers: int = 1,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plan:
    """Place every job that can be placed, as cheaply as the budget allows, and say why the others cannot be.

    `max_work` is deterministic time, or cells priced by the search where the instance is large: the same instance, seed and
    work give the same plan on any machine of any load. `max_seconds` is wall time and is not repeatable. With neither the work is `DEFAULT_WORK`.
    A large instance is searched on `workers` processors: `max_work` is shared among them, and the plan depends on how many they are.
    `progress` hears of each better plan, on a thread of the solver; `cancelled` is asked about every 50 ms, and when it
    says yes the best plan so far is returned. Raises `ValueError` only for an instance that cannot be meant.
    """
    if max_work is None and max_seconds is None:
        max_work = DEFAULT_WORK
    if is_large(instance) and not (cancelled is not None and cancelled()):
        large = search_large(
            instance,
            seed=seed,
            max_work=max_work,
            max_seconds=max_seconds,
            workers=workers,
            progress=progress,
            cancelled=cancelled,
        )
        return completed(instance, large.placements, large.bound)
    began = monotonic()
    greedy = Greedy(instance)
    first = greedy.run()
    if not instance.jobs or (cancelled is not None and cancelled()):
        return _plan(instance, greedy.valuation, first, 0.0, proven=not instance.jobs)
    first = improved(instance, first, seed=seed, work=max_work or max_seconds or 0.0, cancelled=cancelled)
    if progress is not None:
        progress(Progress(greedy.valuation.cost(first), 0.0, len(instance.jobs) - len(first)))
    model = Model(instance)
    Routes(model)
    model.cp.minimize(sum(model.cost))
    _hint(model, first)
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = seed
    solver.parameters.linearization_level = 2
    solver.parameters.cp_model_probing_level = 0
    # Repeatable, and here faster than two workers: optimum in 6 s against a gap of 44 % after 10.
    solver.parameters.num_workers = 1
    if max_work is not None:
        solver.parameters.max_deterministic_time = max_work
    if max_seconds is not None:
        solver.parameters.max_time_in_seconds = max(0.1, max_seconds - (monotonic() - began))
    outcome = _search(solver, model, progress, cancelled)
    found = model.read(solver) if outcome in (cp_model.OPTIMAL, cp_model.FEASIBLE) else first
    if greedy.valuation.cost(first) < greedy.valuation.cost(found):
        found = first
    bound = solver.best_objective_bound / SCALE if outcome != cp_model.UNKNOWN else 0.0
    return _plan(instance, greedy.valuation, found, bound, proven=outcome == cp_model.OPTIMAL)


def place_one(instance: Instance, job: Job, *, seed: int = 1, max_work: float | None = None) -> Plan:
    """Place a single visit (a follow-up, a verification) against everything booked, whatever jobs `instance` had.

    The verification of a zero-tolerance fix carries its finder in `forbidden_trainers`.
    """
    return solve(replace(instance, jobs=(job,)), seed=seed, max_work=max_work)


class _Watch(cp_model.CpSolverSolutionCallback):
    def __init__(self, jobs: int, placed: list[cp_model.IntVar], tell: Callable[[Progress], None]) -> None:
        super().__init__()
        self._jobs, self._placed, self._tell = jobs, placed, tell

    def on_solution_callback(self) -> None:
        """Pass a better plan on."""
        out = self._jobs - sum(self.value(p) for p in self._placed)
        self._tell(Progress(self.objective_value / SCALE, self.best_objective_bound / SCALE, out))


def _search(
    solver: cp_model.CpSolver,
    model: Model,
    progress: Callable[[Progress], None] | None,
    cancelled: Callable[[], bool] | None,
) -> int:
    watch = None
    if progress is not None:
        watch = _Watch(len(model.jobs), [j.placed for j in model.jobs.values()], progress)
    if cancelled is None:
        return int(solver.solve(model.cp, watch))
    done = Event()

    def stop_when_cancelled() -> None:
        while not done.wait(POLL_SECONDS):
            if cancelled():
                solver.stop_search()

    poll = Thread(target=stop_when_cancelled, name="planner-cancel", daemon=True)
    poll.start()
    try:
        return int(solver.solve(model.cp, watch))
    finally:
        done.set()
        poll.join()


def _hint(model: Model, placements: tuple[Placement, ...]) -> None:
    chosen = {p.job_id: p for p in placements}
    for (job_id, role, trainer, day), literal in model.x.items():
        p = chosen.get(job_id)
        who = (p.trainer_id, *p.co_trainers)[role] if p else None
        model.cp.add_hint(literal, p is not None and p.day.toordinal() == day and who == trainer)
    for job_id, job in model.jobs.items():
        p = chosen.get(job_id)
        model.cp.add_hint(job.placed, p is not None)
        model.cp.add_hint(job.start, minute(p.start) if p else 0)
        for enterprise, here in job.attends.items():
            model.cp.add_hint(here, p is not None and enterprise not in p.absent)


def completed(instance: Instance, placements: tuple[Placement, ...], bound: float) -> Plan:
    """Placements of the search as a plan: with sums, status, and reasons for whatever and whoever is left out."""
    return _plan(instance, Valuation(instance), placements, bound, proven=False)


def _plan(
    instance: Instance, valuation: Valuation, found: tuple[Placement, ...], bound: float, *, proven: bool
) -> Plan:
    parts = valuation.parts(found)
    cost = sum(parts.values())
    proven = proven and cost - bound <= ROUNDING * (len(instance.jobs) + 1)
    bound = cost if proven else max(0.0, min(bound, cost))
    reasons = diagnose(instance, found)
    unplaced = tuple(Unplaced(job_id, why) for job_id, why in reasons.items())
    away = absences(instance, found)
    if unplaced:
        status = PlanStatus.PARTIAL if found else PlanStatus.EMPTY
    else:
        status = PlanStatus.OPTIMAL if proven else PlanStatus.FEASIBLE
    gap = (cost - bound) / cost if cost > bound else 0.0
    return Plan(found, unplaced, cost, bound, parts, status, gap, away)
