"""`python -m tests.benchmarks.planner.visit_peers [S] [--seed 1] [--seconds 10]`: PyVRP and OR-Tools routing on an instance
of the product's own shape, as far as they can say it.

A vehicle is one trainer on one day. They get: the road, hours, two visits a day, the longest day, certificates, languages, leave,
holidays, windows, target days, and bands to classroom blocks. Left out for both: the blocks of two days (given, from the
planner's own plan), visits per week, one trainer for an enterprise, even load. PyVRP moreover cannot tie one
visit's day to another's, so the bands between visits are left out. The checker tells which rules the plans then break.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.scheduler.planner import Instance, Job, Placement, Trainer, as_plan, check, solve
from services.scheduler.planner.bands import Bands
from services.scheduler.planner.eligibility import Eligibility
from services.scheduler.planner.geography import Roads
from services.scheduler.planner.timetable import minute, minutes_of, time_of
from tests.benchmarks.planner.generator import make

SCALE = 1000
Found = list[tuple[Job, Trainer, date]]


@dataclass
class Days:
    """What is left of an instance when every trainer's day is a vehicle."""

    instance: Instance
    given: tuple[Placement, ...]
    fleet: list[tuple[Trainer, date, list[Job]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        known, blocks = Eligibility.of(self.instance), {p.job_id: p for p in self.given}
        self.jobs = [j for j in self.instance.jobs if j.id not in blocks]
        self.sites = {e.id: e.position for e in self.instance.enterprises}
        self.roads, self.bands = Roads(self.instance.travel), Bands(self.instance)
        taken = {(p.trainer_id, p.day.toordinal() + n) for p in self.given for n in range(p.days)}
        by_day: dict[tuple[str, date], list[Job]] = {}
        for job in self.jobs:
            for day in known.job_days(job):
                if not self._band_to_block(job, day, blocks):
                    continue
                for t in self.instance.trainers:
                    if (t.id, day.toordinal()) not in taken and known.trainer_refusal(job, t, 0, day) is None:
                        by_day.setdefault((t.id, day), []).append(job)
        people = {t.id: t for t in self.instance.trainers}
        self.fleet = [(people[who], day, jobs) for (who, day), jobs in sorted(by_day.items())]

    def _band_to_block(self, job: Job, day: date, blocks: dict[str, Placement]) -> bool:
        for band in (*self.bands.before[job.id], *self.bands.after[job.id]):
            other = blocks.get(band.earlier if band.later == job.id else band.later)
            if other is not None:
                last = other.day.toordinal() + other.days - 1
                days = day.toordinal() - last if band.later == job.id else other.day.toordinal() - day.toordinal()
                if not max(1, band.min_days) <= days <= (band.max_days or 10_000):
                    return False
        return True

    def where(self, job: Job) -> Any:
        return self.sites[job.enterprise_ids[0]]

    def off_target(self, job: Job, day: date) -> float:
        return abs((day - job.target).days) * self.instance.weights.per_day_off_target if job.target else 0.0

    def plan(self, routes: list[tuple[Trainer, date, list[Job]]]) -> tuple[Placement, ...]:
        """Each visit as early as the road allows."""
        made, grid = list(self.given), int(self.instance.grid.total_seconds() // 60)
        for trainer, day, jobs in routes:
            at = opening = minute(self.instance.working_day.start)
            before = None
            for job in jobs:
                if before is not None:
                    at += self.roads.minutes(self.where(before), self.where(job))
                at = opening + -(-(at - opening) // grid) * grid
                made.append(Placement(job.id, trainer.id, day, time_of(at), time_of(at + minutes_of(job))))
                at, before = at + minutes_of(job), job
        return tuple(made)


def by_pyvrp(days: Days, seconds: float, seed: int) -> tuple[Placement, ...]:
    from pyvrp import Model
    from pyvrp.stop import MaxRuntime

    model, instance = Model(), days.instance
    opening, closing = minute(instance.working_day.start), minute(instance.working_day.end)
    homes = {t.id: model.add_location(t.home.lat, t.home.lon) for t in instance.trainers}
    depots = {who: model.add_depot(home) for who, home in homes.items()}
    spots = {j.id: model.add_location(days.where(j).lat, days.where(j).lon) for j in days.jobs}
    for j in days.jobs:
        late = closing - minutes_of(j)
        model.add_client(spots[j.id], delivery=1, service_duration=minutes_of(j), tw_early=opening, tw_late=late)
    for trainer, day, jobs in days.fleet:
        profile = model.add_profile()
        model.add_vehicle_type(
            1, capacity=trainer.max_visits_per_day, start_depot=depots[trainer.id], end_depot=depots[trainer.id],
            shift_duration=int(instance.travel.longest_day.total_seconds() // 60), profile=profile,
        )  # fmt: skip
        ends = [(homes[trainer.id], trainer.home, None), *((spots[j.id], days.where(j), j) for j in jobs)]
        for here, a, _ in ends:
            for there, b, job in (end for end in ends if end[0] is not here):
                points = days.roads.km(a, b) + (days.off_target(job, day) if job else 0.0)
                model.add_edge(here, there, round(points * SCALE), days.roads.minutes(a, b), profile)
    found = model.solve(stop=MaxRuntime(seconds), seed=seed, display=False)
    if not found.is_feasible():
        return days.given
    routes = []
    for route in found.best.routes():
        trainer, day, _ = days.fleet[route.vehicle_type()]
        routes.append((trainer, day, [days.jobs[step.idx] for step in route if step.is_client()]))
    return days.plan(routes)


def by_ortools(days: Days, seconds: float, seed: int) -> tuple[Placement, ...]:
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    fleet, jobs, instance = days.fleet, days.jobs, days.instance
    opening, closing = minute(instance.working_day.start), minute(instance.working_day.end)
    manager = pywrapcp.RoutingIndexManager(len(jobs) + 1, len(fleet), 0)
    routing = pywrapcp.RoutingModel(manager)
    drives, drive_of = [], {}
    for v, (trainer, day, _) in enumerate(fleet):
        ends = [trainer.home, *map(days.where, jobs)]
        extra = [0.0, *(days.off_target(j, day) for j in jobs)]
        cost = [[round((days.roads.km(a, b) + e) * SCALE) for b, e in zip(ends, extra, strict=True)] for a in ends]
        routing.SetArcCostEvaluatorOfVehicle(routing.RegisterTransitMatrix(cost), v)
        if trainer.id not in drive_of:
            stay = [0, *map(minutes_of, jobs)]
            drive = [[s + days.roads.minutes(a, b) for b in ends] for a, s in zip(ends, stay, strict=True)]
            drive_of[trainer.id] = routing.RegisterTransitMatrix(drive)
        drives.append(drive_of[trainer.id])
    routing.AddDimensionWithVehicleTransits(drives, 1440, 1440, False, "time")
    hours = routing.GetDimensionOrDie("time")
    longest = int(instance.travel.longest_day.total_seconds() // 60)
    for v in range(len(fleet)):
        hours.SetSpanUpperBoundForVehicle(longest, v)
    one = routing.RegisterUnaryTransitCallback(lambda i: 1 if manager.IndexToNode(i) else 0)
    most = [t.max_visits_per_day for t, _, _ in fleet]
    routing.AddDimensionWithVehicleCapacity(one, 0, most, True, "visits")
    solver, ordinals, when = routing.solver(), [d.toordinal() for _, d, _ in fleet], {}
    for n, job in enumerate(jobs):
        index = manager.NodeToIndex(n + 1)
        routing.VehicleVar(index).SetValues([v for v, (_, _, mine) in enumerate(fleet) if job in mine])
        hours.CumulVar(index).SetRange(opening, closing - minutes_of(job))
        when[job.id] = solver.ElementFunction(lambda v: ordinals[v], routing.VehicleVar(index)).Var()
    for band in days.bands.all:
        if band.earlier in when and band.later in when:
            apart = when[band.later] - when[band.earlier]
            solver.Add(apart >= max(1, band.min_days))
            solver.Add(apart <= (band.max_days or 10_000))
    asked = pywrapcp.DefaultRoutingSearchParameters()
    asked.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.LOCAL_CHEAPEST_INSERTION
    asked.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    asked.time_limit.FromMilliseconds(round(seconds * 1000))
    found = routing.SolveWithParameters(asked)
    routes = []
    for v in range(len(fleet)) if found else ():
        at, stops = found.Value(routing.NextVar(routing.Start(v))), []
        while not routing.IsEnd(at):
            stops.append(jobs[manager.IndexToNode(at) - 1])
            at = found.Value(routing.NextVar(at))
        routes.append((fleet[v][0], fleet[v][1], stops))
    return days.plan(routes)


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("size", nargs="?", default="S")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--seconds", type=float, default=10.0)
    asked = ask.parse_args()
    instance = make(asked.size, asked.seed)
    begun = time.monotonic()
    best = solve(instance, max_seconds=asked.seconds)
    took = time.monotonic() - begun
    blocks = {j.id for j in instance.jobs if j.days > 1}
    days = Days(instance, tuple(p for p in best.placements if p.job_id in blocks))
    rows: list[dict[str, Any]] = []
    for name, solver in (("planner", None), ("PyVRP", by_pyvrp), ("OR-Tools routing", by_ortools)):
        begun = time.monotonic()
        plan = best if solver is None else as_plan(instance, solver(days, asked.seconds, asked.seed))
        broken = Counter(v.constraint for v in check(instance, plan))
        rows.append({
            "solver": name, "seconds": took if solver is None else time.monotonic() - begun,
            "placed": len(plan.placements), "of": len(instance.jobs), "points": plan.cost, "parts": dict(plan.parts),
            "broken": dict(broken),
        })  # fmt: skip
        print(json.dumps(rows[-1], default=float), flush=True)


if __name__ == "__main__":
    main()
