"""Random small instances: every rule of the planner turns up in some of them."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from services.scheduler.planner import (
    Booked,
    Certificate,
    Continuity,
    Enterprise,
    Gap,
    Instance,
    Job,
    JobKind,
    Level,
    Position,
    Trainer,
    Travel,
    Weights,
)
from tests.unit.planner.factory import booked, day, days, enterprise, job, trainer, world

LANGUAGES = ("vi", "en")
SITES = ("mill", "mine", "farm")


@st.composite
def positions(draw: DrawFn) -> Position:
    """Within a morning's drive of each other, but one in nine a day and a night away."""
    east = draw(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 8, 70]))
    return Position(10.0 + draw(st.integers(0, 8)) / 10, 106.0 + east / 10)


@st.composite
def trainers(draw: DrawFn, name: str) -> Trainer:
    level = draw(st.sampled_from([Level.CERTIFIED, Level.EXPERT, Level.CERTIFIED, Level.EXPERT, Level.CANDIDATE]))
    ends = draw(st.sampled_from([None, None, day(3)]))
    return trainer(
        name,
        home=draw(positions()),
        languages=frozenset(draw(st.sampled_from([LANGUAGES, LANGUAGES, ("vi",), ("en",)]))),
        certificates=(Certificate("M1", level, day(-9), ends),),
        leave=draw(st.sampled_from([(), (), (days(1, 2),)])),
        max_visits_per_day=draw(st.integers(1, 3)),
        max_visits_per_week=draw(st.integers(1, 4)),
        conflicts=draw(st.sampled_from([frozenset(), frozenset(), frozenset(), frozenset({"mill"})])),
        region=draw(st.sampled_from(["south", "north"])),
    )


@st.composite
def enterprises(draw: DrawFn, name: str) -> Enterprise:
    return enterprise(
        name,
        position=draw(positions()),
        worker_languages=draw(st.sampled_from([frozenset(), frozenset({"vi"}), frozenset(LANGUAGES)])),
        closed=draw(st.sampled_from([(), (), (days(2, 2),)])),
    )


@st.composite
def jobs(draw: DrawFn, name: str, earlier: tuple[str, ...], *, simple: bool) -> Job:
    first = draw(st.integers(0, 2))
    after = ()
    if earlier and draw(st.booleans()):
        after = (Gap(draw(st.sampled_from(earlier)), draw(st.integers(0, 2)), draw(st.sampled_from([None, 3]))),)
    return job(
        name,
        kind=draw(st.sampled_from([JobKind.CONSULTANCY, JobKind.CONSULTANCY, JobKind.FOLLOW_UP])),
        enterprise_ids=tuple(draw(st.lists(st.sampled_from(SITES), min_size=1, max_size=2, unique=True))),
        duration=timedelta(hours=draw(st.sampled_from([2, 3, 4]))),
        window=days(first, first + draw(st.integers(1, 2 if simple else 5))),
        target=day(first + draw(st.integers(0, 3))),
        days=draw(st.sampled_from([1, 1, 1, 2])),
        online=draw(st.sampled_from([False, False, False, True])),
        crew=draw(st.sampled_from([1, 1, 1, 1, 1, 2])),
        quorum=draw(st.sampled_from([1, 1, 1, 1, 2])),
        after=after,
        prefer_trainers=draw(st.sampled_from([frozenset(), frozenset({"ann"})])),
    )


@st.composite
def bookings(draw: DrawFn, name: str, who: tuple[str, ...]) -> Booked:
    start = draw(st.sampled_from([8, 10, 13]))
    return booked(
        name, draw(st.sampled_from(who)), draw(st.integers(0, 4)), start, start + draw(st.integers(1, 3)),
        at=draw(st.sampled_from([None, "mill", "elsewhere"])), position=draw(st.sampled_from([None, Position(10.2, 106.2)])),
    )  # fmt: skip


@st.composite
def instances(draw: DrawFn, *, most_jobs: int, most_trainers: int, simple: bool = False) -> Instance:
    """A world with a few trainers and visits; `simple` keeps it small enough to try every plan there is."""
    who = ("ann", "bob", "cat", "dan")[: draw(st.integers(1, most_trainers))]
    names = ("a", "b", "c", "d", "e", "f")[: draw(st.integers(1, most_jobs))]
    return world(
        [draw(trainers(n)) for n in who],
        [draw(enterprises(n)) for n in SITES],
        [draw(jobs(n, names[:i], simple=simple)) for i, n in enumerate(names)],
        booked=tuple(draw(bookings(f"x{i}", who)) for i in range(draw(st.integers(0, 3)))),
        horizon=days(0, 9),
        holidays={"north": frozenset({day(1)})},
        continuity=draw(st.sampled_from(list(Continuity))),
        grid=timedelta(hours=3 if simple else 1),
        travel=Travel(longest_day=timedelta(hours=draw(st.sampled_from([9, 12])))),
        weights=Weights(per_hour_after_opening=0.5),
    )
