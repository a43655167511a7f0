"""Seeded instances of a national programme: towns, factories around them, trainers who live there, leave, holidays, peak weeks.

`python -m tests.benchmarks.planner.generator S 1 > instance.json` writes one. The same size and seed give the same instance
everywhere: only `random.Random` is used.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from services.scheduler.planner import (
    Certificate,
    DateSpan,
    Enterprise,
    Gap,
    Instance,
    Job,
    JobKind,
    Level,
    Position,
    Trainer,
)
from services.scheduler.planner.document import instance_document

MONDAY = date(2027, 1, 4)
KM_PER_DEGREE = 111.2
ETHNIC = ("cham", "khmer")
REGIONS = ("north", "centre", "south")


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything; `cohorts` begin one after the other over the `weeks`."""

    enterprises: int
    trainers: int
    cohorts: int
    weeks: int
    side_km: float


SIZES = {"S": Size(8, 3, 2, 20, 150), "M": Size(200, 20, 10, 34, 400), "L": Size(2500, 150, 24, 44, 600)}
CLASS = 5
"""Enterprises in one classroom block."""


def make(size: str, seed: int) -> Instance:
    """One instance."""
    return made(SIZES[size], seed)


def made(size: Size, seed: int) -> Instance:
    """One instance of any size."""
    random = Random(f"{size} {seed}")
    towns = [_place(random, 0, 0, size.side_km) for _ in range(max(2, size.enterprises // 60 + 2))]
    last = MONDAY + timedelta(weeks=size.weeks)
    enterprises = [_enterprise(random, n, random.choice(towns), size) for n in range(size.enterprises)]
    trainers = [_trainer(random, n, random.choice(towns), size) for n in range(size.trainers)]
    jobs: list[Job] = []
    for cohort in range(size.cohorts):
        mine = sorted(enterprises[cohort :: size.cohorts], key=lambda e: (e.position.lat, e.position.lon))
        start = MONDAY + timedelta(weeks=1 + cohort * (size.weeks - 19) // max(1, size.cohorts - 1))
        for n in range(0, len(mine), CLASS):
            jobs += _course(random, f"c{cohort}g{n // CLASS}", mine[n : n + CLASS], start)
    holidays = {r: frozenset(_some_days(random, size.weeks * 7, max(2, size.weeks // 5))) for r in REGIONS}
    return Instance(
        horizon=DateSpan(MONDAY, last), country_zone="Asia/Ho_Chi_Minh", trainers=tuple(trainers),
        enterprises=tuple(enterprises), jobs=tuple(jobs), holidays=holidays,
    )  # fmt: skip


def _place(random: Random, east: float, north: float, spread: float) -> tuple[float, float]:
    return east + random.uniform(0, spread), north + random.uniform(0, spread)


def _position(random: Random, town: tuple[float, float], spread: float) -> Position:
    east, north = random.gauss(town[0], spread), random.gauss(town[1], spread)
    return Position(round(12 + north / KM_PER_DEGREE, 4), round(106 + east / KM_PER_DEGREE, 4))


def _region(position: Position, side_km: float) -> str:
    share = (position.lat - 12) * KM_PER_DEGREE / side_km
    return REGIONS[2] if share < 1 / 3 else REGIONS[1] if share < 2 / 3 else REGIONS[0]


def _some_days(random: Random, days: int, count: int) -> list[date]:
    return [MONDAY + timedelta(days=random.randrange(days)) for _ in range(count)]


def _spans(random: Random, weeks: int, count: int, longest: int) -> tuple[DateSpan, ...]:
    firsts = sorted(_some_days(random, weeks * 7, count))
    return tuple(DateSpan(d, d + timedelta(days=random.randrange(2, longest))) for d in firsts)


def _enterprise(random: Random, n: int, town: tuple[float, float], size: Size) -> Enterprise:
    position = _position(random, town, 14)
    workers = frozenset({random.choice(ETHNIC)}) if random.random() < 0.12 else frozenset({"vi"})
    return Enterprise(
        f"e{n}", position, _region(position, size.side_km), frozenset({"vi"}), workers,
        working_weekdays=frozenset(range(1, 7 if random.random() < 0.4 else 6)),
        closed=_spans(random, size.weeks, random.randrange(3), 9),
    )  # fmt: skip


def _trainer(random: Random, n: int, town: tuple[float, float], size: Size) -> Trainer:
    position = _position(random, town, 12)
    languages = {"vi"} | ({random.choice(ETHNIC)} if random.random() < 0.4 or n < 2 else set())
    languages |= set(ETHNIC) if n == 0 else set()
    level = Level.EXPERT if n % 4 == 0 else Level.CERTIFIED
    ends = MONDAY + timedelta(weeks=size.weeks // 2) if n % 11 == 5 else None
    return Trainer(
        f"t{n}", position, frozenset(languages), (Certificate("wpc", level, MONDAY - timedelta(days=400), ends),),
        _region(position, size.side_km), leave=_spans(random, size.weeks, random.randrange(1, 4), 12),
    )  # fmt: skip


def _course(random: Random, name: str, enterprises: list[Enterprise], start: date) -> list[Job]:
    """Baseline at each, one classroom block of two days for all, three consultancy visits at each."""
    jobs = []
    for e in enterprises:
        target = start + timedelta(days=random.randrange(12))
        window = DateSpan(start, start + timedelta(days=20))
        jobs.append(Job(f"{e.id}-0", "baseline", JobKind.BASELINE, "wpc", (e.id,), timedelta(hours=3), window, target))
    block = Job(
        f"{name}-class", "classroom", JobKind.CLASSROOM, "wpc", tuple(e.id for e in enterprises), timedelta(hours=7),
        DateSpan(start + timedelta(days=14), start + timedelta(days=48)), start + timedelta(days=28), days=2,
        after=tuple(Gap(f"{e.id}-0", 3, 42) for e in enterprises),
    )  # fmt: skip
    jobs.append(block)
    for e in enterprises:
        for n in range(1, 4):
            target = start + timedelta(days=28 + 21 * n + random.randrange(-4, 5))
            window = DateSpan(target - timedelta(days=14), target + timedelta(days=14))
            after = (Gap(block.id, 7, 42),) if n == 1 else (Gap(f"{e.id}-{n - 1}", 14, 35),)
            jobs.append(
                Job(
                    f"{e.id}-{n}", f"visit {n}", JobKind.CONSULTANCY, "wpc", (e.id,), timedelta(hours=3), window,
                    target, after=after,
                )
            )  # fmt: skip
    return jobs


if __name__ == "__main__":
    json.dump(instance_document(make(sys.argv[1], int(sys.argv[2]))), sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")
