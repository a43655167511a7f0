"""Plans for instances that one exact model does not hold: the search over tables, and a bound beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic

from services.scheduler.planner.instance import Instance
from services.scheduler.planner.plan import Placement, Progress

EXACT_CELLS = 60_000
"""Visits x trainers x days up to which one exact model is built and proven within seconds."""

EXACT_VISITS = 60
"""Visits up to which that holds: with 106 in three trainers' hands the model proved no bound at all in a budget's work."""

MOST_STOPS, ORDERED_VISITS = 4, 15
"""Visits on one day of a trainer, and visits in all, above which the order of each day is too much for the exact model: it
says for every three visits which of them is between the others.
"""

EVER = 1_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """A plan, a bound, and how the plan became better: (seconds, work, points), points as the search counts them."""

    placements: tuple[Placement, ...]
    bound: float
    trace: tuple[tuple[float, float, float], ...]


def cells(instance: Instance) -> int:
    """Visits x trainers x days of their windows: what decides whether an instance is large."""
    days = (
        (min(j.window.last, instance.horizon.last) - max(j.window.first, instance.horizon.first)).days + 1
        for j in instance.jobs
        if j.pinned is None
    )
    return sum(max(0, d) for d in days) * len(instance.trainers)


def is_large(instance: Instance) -> bool:
    """Whether one exact model would not do."""
    if len(instance.jobs) > EXACT_VISITS or cells(instance) > EXACT_CELLS:
        return True
    busiest = max((t.max_visits_per_day for t in instance.trainers), default=0)
    return busiest > MOST_STOPS and len(instance.jobs) > ORDERED_VISITS


def search_large(
    instance: Instance,
    *,
    seed: int,
    max_work: float | None,
    max_seconds: float | None,
    workers: int = 1,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Outcome:
    """Search within the budget, on so many processors. By seconds, which count from here on, the bound is made and raised on a thread beside; by work,
    afterwards, in fixed steps. There is none where not even the quick one would be there in time.

    Where every visit is confirmed there is nothing to search, and no bound. Compiled code is imported here, so that nothing
    else waits for it.
    """
    from services.scheduler.planner.compact import Compact, settled
    from services.scheduler.planner.search.dual import Dual, quick_seconds

    if all(j.pinned is not None for j in instance.jobs):
        return Outcome(tuple(settled(instance).placements), 0.0, ())
    begun = monotonic()
    compact = Compact(instance)
    search = compact.search(seed)
    base = compact.book.valuation.cost(compact.book.placements) - instance.weights.unplaced * len(compact.jobs)
    first = search.construct()
    duals: list[Dual] = []

    def left() -> float | None:
        return None if max_seconds is None else max(0.0, max_seconds - (monotonic() - begun))

    def bound() -> float:
        return duals[0].best + base if duals else 0.0

    def tell(best: float) -> None:
        if progress is not None:
            progress(Progress(best + base, min(best + base, bound()), search.left_out()))

    def raise_bound() -> None:
        problem, rest = Compact(instance, careful=False).problem, left()
        if rest is None or quick_seconds(problem) < rest / 2:
            duals.append(Dual(problem))
            duals[0].raise_to(first, steps=EVER, seconds=left(), cancelled=over.is_set)

    tell(first)
    over = Event()
    beside = Thread(target=raise_bound, name="planner-bound", daemon=True)
    if max_work is None:
        beside.start()
    try:
        found = search.improve(seconds=left(), work=max_work, workers=workers, tell=tell, cancelled=cancelled)
    finally:
        over.set()
        if max_work is None:
            beside.join()
    if max_work is not None:
        duals.append(Dual(Compact(instance, careful=False).problem))
        duals[0].raise_to(found.total, steps=duals[0].sweeps(), cancelled=cancelled)
    trace = tuple((s, w, points + base) for s, w, points in found.trace)
    return Outcome(compact.placements(search, found), bound(), trace)


def warm_up(instance: Instance) -> None:
    """Compile everything (most of a minute of processor time on a fresh machine, nothing later) on some instance with a visit."""
    from services.scheduler.planner.compact import Compact
    from services.scheduler.planner.search.dual import Dual

    search_large(instance, seed=1, max_work=1e-6, max_seconds=None)
    Dual(Compact(instance, careful=False).problem).step(target=0.0)
