"""Plans for instances that one exact model does not hold: the search over tables, and a bound beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread

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
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Outcome:
    """Search within the budget. By seconds, the bound is raised on a thread beside; by work, afterwards, in fixed steps.

    Compiled code is imported here, so that nothing else waits for it.
    """
    from services.scheduler.planner.compact import Compact
    from services.scheduler.planner.search.dual import Dual

    compact = Compact(instance)
    search = compact.search(seed)
    base = compact.book.valuation.cost(compact.book.placements) - instance.weights.unplaced * len(compact.jobs)
    first = search.construct()
    dual = Dual(Compact(instance, careful=False).problem)

    def tell(best: float) -> None:
        if progress is not None:
            progress(Progress(best + base, min(best, dual.best) + base, search.left_out()))

    tell(first)
    over = Event()
    beside = Thread(
        target=dual.raise_to,
        args=(first,),
        kwargs={"steps": EVER, "cancelled": over.is_set},
        name="planner-bound",
        daemon=True,
    )
    if max_work is None:
        beside.start()
    try:
        found = search.improve(seconds=max_seconds, work=max_work, tell=tell, cancelled=cancelled)
    finally:
        over.set()
        if max_work is None:
            beside.join()
    if max_work is not None:
        dual.raise_to(found.total, steps=dual.sweeps(), cancelled=cancelled)
    trace = tuple((s, w, points + base) for s, w, points in found.trace)
    return Outcome(compact.placements(search, found), dual.best + base, trace)


def warm_up(instance: Instance) -> None:
    """Compile everything (most of a minute of processor time on a fresh machine, nothing later) on some instance with a visit."""
    from services.scheduler.planner.compact import Compact
    from services.scheduler.planner.search.dual import Dual

    search_large(instance, seed=1, max_work=1e-6, max_seconds=None)
    Dual(Compact(instance, careful=False).problem).step(target=0.0)
