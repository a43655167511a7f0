"""How evenly a plan spreads the work over its trainers, booked visits included."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.scheduler.planner.instance import Instance
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.plan import Placement
from services.scheduler.planner.valuation import nights, people, round_trips, route_km


@dataclass(frozen=True, slots=True)
class Load:
    """One trainer's share: visits of the plan, visits booked before, road kilometres and nights away of the plan's."""

    trainer_id: str
    visits: int
    booked: int
    km: float
    nights: int


@dataclass(frozen=True, slots=True)
class Fairness:
    """`share` is what everybody would have if all visits were spread evenly, rounded up; `over` counts those above it."""

    share: int
    loads: tuple[Load, ...]

    @property
    def over(self) -> int:
        """Visits above the share, over all trainers."""
        return sum(max(0, one.visits + one.booked - self.share) for one in self.loads)


def fairness(instance: Instance, placements: Iterable[Placement]) -> Fairness:
    """The loads of everybody in the instance, the most loaded first."""
    placements = tuple(placements)
    book = Ledger(instance)
    km: dict[str, float] = dict.fromkeys(book.trainers, 0.0)
    away: dict[str, int] = dict.fromkeys(book.trainers, 0)
    count: dict[str, int] = dict.fromkeys(book.trainers, 0)
    roads, longest = book.table.roads, book.valuation.longest_day
    for one in placements:
        job, stop = book.jobs[one.job_id], book.stop_of(one)
        for who in people(one):
            home = book.trainers[who].home
            out = nights(job, book.trainers[who], stop.position, roads, longest)
            away[who] += out
            count[who] += 1
            if stop.routed:
                there = [s for s in book.table.stops_on(who, stop.days[0]) if s.routed]
                km[who] += route_km([*there, stop], home, roads) - route_km(there, home, roads)
            elif stop.position is not None:
                km[who] += roads.there_and_back_km(home, stop.position) * round_trips(job, out)
        book.put(one)
    loads = (Load(t, count[t], book.valuation.load[t], km[t], away[t]) for t in book.trainers)
    return Fairness(
        book.valuation.share, tuple(sorted(loads, key=lambda one: (-one.visits - one.booked, one.trainer_id)))
    )
