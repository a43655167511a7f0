"""Small worlds for the planner's tests. Monday 4 January 2027 is day 0; ten kilometres are about 0.09 degrees."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from services.scheduler.planner import (
    Absence,
    Booked,
    Certificate,
    DateSpan,
    Enterprise,
    Instance,
    Job,
    JobKind,
    Level,
    Placement,
    Plan,
    PlanStatus,
    Position,
    Reason,
    Trainer,
    Unplaced,
)
from services.scheduler.planner.checker_cost import _parts

MONDAY = date(2027, 1, 4)
HOME = Position(10.0, 106.0)
NEAR = Position(10.0, 106.1)


def day(n: int) -> date:
    """Day n of the world; 0 is a Monday."""
    return MONDAY + timedelta(days=n)


def days(first: int, last: int) -> DateSpan:
    return DateSpan(day(first), day(last))


def certified(module: str = "M1", level: Level = Level.CERTIFIED) -> Certificate:
    return Certificate(module, level, day(-365))


def trainer(name: str = "ann", **more: Any) -> Trainer:
    usual: dict[str, Any] = {
        "home": HOME,
        "languages": frozenset({"vi"}),
        "certificates": (certified(),),
        "region": "south",
    }
    return Trainer(name, **(usual | more))


def enterprise(name: str = "mill", **more: Any) -> Enterprise:
    usual: dict[str, Any] = {
        "position": NEAR,
        "region": "south",
        "manager_languages": frozenset({"vi"}),
        "worker_languages": frozenset({"vi"}),
    }
    return Enterprise(name, **(usual | more))


def job(name: str = "visit", **more: Any) -> Job:
    usual: dict[str, Any] = {
        "stage": "visit 1",
        "kind": JobKind.CONSULTANCY,
        "module": "M1",
        "enterprise_ids": ("mill",),
        "duration": timedelta(hours=4),
        "window": days(0, 4),
    }
    return Job(name, **(usual | more))


def booked(name: str, who: str, n: int, start: int, end: int, *, at: str | None = None, **more: Any) -> Booked:
    """Booked on day n from one full hour to another; a visit if it is `at` an enterprise."""
    usual: dict[str, Any] = {
        "trainer_ids": frozenset({who}),
        "enterprise_ids": frozenset({at} if at else ()),
        "start": datetime.combine(day(n), time(start)),
        "end": datetime.combine(day(n), time(end)),
        "position": NEAR if at else None,
    }
    return Booked(name, **(usual | more))


def world(
    trainers: Iterable[Trainer] = (), enterprises: Iterable[Enterprise] = (), jobs: Iterable[Job] = (), **more: Any
) -> Instance:
    usual: dict[str, Any] = {"horizon": days(0, 60), "country_zone": "Asia/Ho_Chi_Minh"}
    people = tuple(trainers) or (trainer(),)
    return Instance(
        trainers=people, enterprises=tuple(enterprises) or (enterprise(),), jobs=tuple(jobs), **(usual | more)
    )


def placement(
    name: str = "visit", who: str = "ann", n: int = 0, start: int = 8, hours: float = 4, **more: Any
) -> Placement:
    begin = datetime.combine(day(n), time(start))
    return Placement(name, who, day(n), time(start), (begin + timedelta(hours=hours)).time(), **more)


def plan_of(instance: Instance, *placements: Placement) -> Plan:
    """An honest plan of these placements: everything else is unplaced with a reason, the cost is the checker's own."""
    placed = {p.job_id for p in placements}
    why = (Reason("test", "left out by the test", "mill", "visit 1"),)
    left = tuple(Unplaced(j.id, why) for j in instance.jobs if j.id not in placed)
    status = PlanStatus.FEASIBLE if not left else PlanStatus.PARTIAL if placements else PlanStatus.EMPTY
    away = tuple(Absence(p.job_id, e, why) for p in placements for e in p.absent)
    draft = Plan(placements, left, 0.0, 0.0, {}, status, 0.0, away)
    parts = _parts(instance, draft)
    cost = sum(parts.values())
    return replace(draft, cost=cost, bound=cost, parts=parts)
