"""Cordeau's periodic routing instances as instances of the planner.

A vehicle is a trainer who lives at the depot, a customer an enterprise, each of its visits a job. The plane is a table of
roads on which driving takes no time; so a load is a duration, and a vehicle's capacity the length of the working day.
Combinations of days become windows and gap bands; where these allow more or less than the combinations, it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import pairwise, product
from math import hypot
from pathlib import Path

from services.scheduler.planner import (
    DateSpan,
    Enterprise,
    Gap,
    Instance,
    Job,
    JobKind,
    Matrix,
    Position,
    Trainer,
    Travel,
    Weights,
    WorkingDay,
)

FOLDER = Path(__file__).parent / "cordeau"
BEST_KNOWN = {"p02": 1322.87, "p03": 524.61, "p04": 835.26, "p21": 2170.61}
MONDAY = date(2027, 1, 4)
TONGUE = frozenset({"en"})


class NotExpressible(ValueError):
    """What the planner's model cannot say about an instance."""


@dataclass(frozen=True, slots=True)
class Customer:
    """`choices` are the combinations of days (from 0), each in order."""

    number: int
    x: float
    y: float
    demand: int
    choices: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Periodic:
    """One instance; every vehicle is there on every day."""

    name: str
    vehicles: int
    days: int
    capacity: int
    depot: tuple[float, float]
    customers: tuple[Customer, ...]

    def apart(self, a: int, b: int) -> float:
        """Distance between customers by number; 0 is the depot."""
        places = {0: self.depot} | {c.number: (c.x, c.y) for c in self.customers}
        (ax, ay), (bx, by) = places[a], places[b]
        return hypot(ax - bx, ay - by)


def read(file: Path) -> Periodic:
    """Raise `NotExpressible` for limits that the planner's model has no word for."""
    lines = [line.split() for line in file.read_text("utf-8").splitlines() if line.strip()]
    kind, vehicles, customers, days = map(int, lines[0])
    limits = [(float(a), int(b)) for a, b in lines[1 : 1 + days]]
    if kind != 1 or len({b for _, b in limits}) != 1 or any(a for a, _ in limits):
        raise NotExpressible(f"{file.stem}: not a periodic problem with one capacity and no limit of a route's length")
    depot, *rest = lines[1 + days : 2 + days + customers]
    return Periodic(
        file.stem,
        vehicles,
        days,
        limits[0][1],
        (float(depot[1]), float(depot[2])),
        tuple(_customer(row, days) for row in rest),
    )


def _customer(row: list[str], days: int) -> Customer:
    codes = map(int, row[7 : 7 + int(row[6])])
    choices = sorted(tuple(d for d in range(days) if code >> (days - 1 - d) & 1) for code in codes)
    return Customer(int(row[0]), float(row[1]), float(row[2]), int(row[4]), tuple(choices))


def instance_of(problem: Periodic) -> Instance:
    """Raise `NotExpressible` naming the customer whose days or load cannot be said."""
    numbers = [0, *(c.number for c in problem.customers)]
    places = {n: Position(0.0, n / 1000) for n in numbers}
    km = [[problem.apart(a, b) for b in numbers] for a in numbers]
    most = _most_on_a_route(problem)
    horizon = DateSpan(MONDAY, MONDAY + timedelta(days=problem.days - 1))
    week = frozenset(range(1, 8))
    return Instance(
        horizon=horizon,
        country_zone="UTC",
        trainers=tuple(
            Trainer(f"v{n}", places[0], TONGUE, (), "plane", max_visits_per_day=most, max_visits_per_week=10_000,
                    working_weekdays=week)
            for n in range(problem.vehicles)
        ),
        enterprises=tuple(
            Enterprise(f"c{c.number}", places[c.number], "plane", TONGUE, TONGUE, working_weekdays=week)
            for c in problem.customers
        ),
        jobs=tuple(job for c in problem.customers for job in _jobs(problem, c)),
        weights=Weights(
            per_day_off_target=0, per_trainer_changed=0, per_not_preferred=0, per_visit_over_share=0, per_night_away=0,
            per_hour_after_opening=0,
        ),
        working_day=WorkingDay(time(0), time(problem.capacity // 60, problem.capacity % 60)),
        travel=Travel(longest_day=timedelta(days=1), matrix=Matrix(tuple(places.values()), [[0.0] * len(km)] * len(km), km)),
        grid=timedelta(minutes=1),
    )  # fmt: skip


def _most_on_a_route(problem: Periodic) -> int:
    """As many of the smallest loads as one vehicle takes."""
    left, count = problem.capacity, 0
    for demand in sorted(c.demand for c in problem.customers):
        left -= demand
        if left < 0:
            break
        count += 1
    return count


def _jobs(problem: Periodic, customer: Customer) -> list[Job]:
    visits = len(customer.choices[0])
    windows = [sorted({c[k] for c in customer.choices}) for k in range(visits)]
    gaps = [sorted({c[k + 1] - c[k] for c in customer.choices}) for k in range(visits - 1)]
    allowed = {
        days
        for days in product(*(range(w[0], w[-1] + 1) for w in windows))
        if all(g[0] <= b - a <= g[-1] for (a, b), g in zip(pairwise(days), gaps, strict=True))
    }
    if allowed != set(customer.choices):
        raise NotExpressible(f"{problem.name}: the days of customer {customer.number} are no windows and gaps")
    if customer.demand < 1:
        raise NotExpressible(f"{problem.name}: customer {customer.number} has no load")
    return [
        Job(
            id=f"c{customer.number}-{k}",
            stage=f"visit {k}",
            kind=JobKind.FOLLOW_UP,
            module=None,
            enterprise_ids=(f"c{customer.number}",),
            duration=timedelta(minutes=customer.demand),
            window=DateSpan(MONDAY + timedelta(days=windows[k][0]), MONDAY + timedelta(days=windows[k][-1])),
            after=(Gap(f"c{customer.number}-{k - 1}", gaps[k - 1][0], gaps[k - 1][-1]),) if k else (),
        )
        for k in range(visits)
    ]
