"""A country for the planner, from a seed: towns with industry, trainers who live in them, a year's leave and holidays.

Each enterprise has a baseline and three consultancy visits with gaps between them. Starts are spread over the horizon,
as cohorts are.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

from services.scheduler.planner import (
    Certificate,
    DateSpan,
    Enterprise,
    Gap,
    Instance,
    Job,
    JobKind,
    Level,
    Placement,
    Position,
    Trainer,
)
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.seats import seats

START = date(2027, 1, 4)
MODULES = ("WC", "QI", "RE")
REGIONS = ("north", "south", "coast")
_TONGUES = ("vi", "km", "zh")


def nation(enterprises: int, trainers: int, *, seed: int = 1, days: int = 182) -> Instance:
    """So many of each; four visits an enterprise."""
    chance = random.Random(seed)
    towns = [
        (Position(10 + chance.random() * 6, 104 + chance.random() * 4), chance.choice(REGIONS))
        for _ in range(max(3, enterprises // 25))
    ]
    sites = [_site(f"E{n:04}", *chance.choice(towns), chance, days) for n in range(enterprises)]
    people = [_trainer(f"T{n:03}", *chance.choice(towns), chance, days) for n in range(trainers)]
    jobs = [job for site in sites for job in visits_of(site, chance, days)]
    holidays = frozenset(START + timedelta(days=chance.randrange(days)) for _ in range(days // 30))
    return Instance(
        horizon=DateSpan(START, START + timedelta(days=days)),
        country_zone="Asia/Ho_Chi_Minh",
        trainers=tuple(people),
        enterprises=tuple(sites),
        jobs=tuple(jobs),
        holidays=dict.fromkeys(REGIONS, holidays),
    )


def _around(town: Position, chance: random.Random) -> Position:
    return Position(town.lat + chance.gauss(0, 0.12), town.lon + chance.gauss(0, 0.12))


def _weeks(chance: random.Random, days: int, longest: int) -> tuple[DateSpan, ...]:
    first = START + timedelta(days=chance.randrange(days))
    return (DateSpan(first, first + timedelta(days=chance.randint(3, longest))),)


def _site(name: str, town: Position, region: str, chance: random.Random, days: int) -> Enterprise:
    spoken = frozenset({"vi"}) if chance.random() < 0.85 else frozenset({chance.choice(_TONGUES), "vi"})
    weekdays = frozenset({1, 2, 3, 4, 5, 6}) if chance.random() < 0.3 else frozenset({1, 2, 3, 4, 5})
    closed = _weeks(chance, days, 12) if chance.random() < 0.5 else ()
    return Enterprise(name, _around(town, chance), region, spoken, spoken, weekdays, closed)


def _trainer(name: str, town: Position, region: str, chance: random.Random, days: int) -> Trainer:
    held = chance.sample(MODULES, k=2)
    level = chance.choice([Level.CERTIFIED, Level.CERTIFIED, Level.EXPERT])
    return Trainer(
        id=name,
        home=_around(town, chance),
        languages=frozenset({"vi"}) | frozenset(chance.sample(_TONGUES, k=1)),
        certificates=tuple(Certificate(m, level, START - timedelta(days=400)) for m in held),
        region=region,
        leave=(*_weeks(chance, days, 14), *_weeks(chance, days, 7)),
    )


def visits_of(site: Enterprise, chance: random.Random, days: int, *, name: str = "") -> list[Job]:
    """A baseline and three consultancy visits at one enterprise, begun somewhere in the horizon."""
    module, name = chance.choice(MODULES), name or site.id
    begin = START + timedelta(days=chance.randrange(max(1, days - 120)))
    jobs = []
    for n in range(4):
        first = begin + timedelta(days=n * 28)
        jobs.append(
            Job(
                id=f"{name}-{n}",
                stage="baseline" if n == 0 else f"visit {n}",
                kind=JobKind.BASELINE if n == 0 else JobKind.CONSULTANCY,
                module=module,
                enterprise_ids=(site.id,),
                duration=timedelta(hours=chance.choice([3, 4, 4])),
                window=DateSpan(first, first + timedelta(days=30)),
                target=first + timedelta(days=10),
                after=(Gap(f"{name}-{n - 1}", 14, 60),) if n else (),
            )
        )
    return jobs


def quick_plan(instance: Instance, *, nearest: int = 12) -> tuple[Placement, ...]:
    """A valid plan in seconds: job by job its cheapest free place among the trainers who live nearest."""
    book = Ledger(instance)
    sites = {e.id: e.position for e in instance.enterprises}
    for job_id in book.bands.order(instance):
        job = book.jobs[job_id]
        place = sites[job.enterprise_ids[0]]
        able = [t for t in instance.trainers if book.eligibility.person_refusal(job, t, 0) is None]
        able.sort(key=lambda t: book.table.roads.km(t.home, place))
        best = min(seats(book, job, trainers=able[:nearest]), key=lambda s: sum(book.price(s).values()), default=None)
        if best is not None:
            book.put(best)
    return tuple(book.placements[j.id] for j in instance.jobs if j.id in book.placements)
