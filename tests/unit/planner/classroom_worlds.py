"""Random small worlds around one classroom: visits before it and after it, and reasons why some of its group cannot come."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from services.scheduler.planner import Gap, Instance, Job, JobKind, Level, Position
from tests.unit.planner.factory import booked, certified, day, days, enterprise, job, trainer, world

GROUP = ("mill", "mine", "farm")
VENUE = Position(10.05, 106.05)


@st.composite
def classroom_worlds(draw: DrawFn) -> Instance:
    """Three enterprises of which two are enough; some closed, taken, refused by a trainer, or without their own earlier visit."""
    closed = {name: draw(st.sampled_from([(), (), (days(1, 1),), (days(0, 3),)])) for name in GROUP}
    sites = [
        enterprise(
            name,
            position=Position(10.0, 106.0 + n / 10),
            closed=closed[name],
            worker_languages=frozenset(draw(st.sampled_from([("vi",), ("vi",), ("km",)]))),
        )
        for n, name in enumerate(GROUP)
    ]
    people = [
        trainer(name, languages=frozenset(draw(st.sampled_from([("vi",), ("vi", "km")]))), certificates=(held,),
                conflicts=frozenset(draw(st.sampled_from([(), (), ("mine",)]))))
        for name, held in (("ann", certified(level=Level.EXPERT)), ("bob", certified()))[: draw(st.integers(1, 2))]
    ]  # fmt: skip
    before = draw(st.sampled_from([None, *GROUP]))
    after = draw(st.sampled_from([None, *GROUP]))
    jobs: list[Job] = []
    if before is not None:
        jobs.append(_visit("before", before, JobKind.BASELINE, draw(st.sampled_from([0, 0, 2])), ()))
    gaps = (Gap("before", draw(st.integers(0, 1)), draw(st.sampled_from([None, 1]))),) if before is not None else ()
    jobs.append(
        job(
            "classroom", kind=JobKind.CLASSROOM, enterprise_ids=GROUP, quorum=2, duration=timedelta(hours=5),
            window=days(1, draw(st.sampled_from([1, 2, 3]))), target=day(1), days=draw(st.sampled_from([1, 1, 2])),
            venue=draw(st.sampled_from([None, VENUE])), after=gaps,
        )
    )  # fmt: skip
    if after is not None:
        jobs.append(_visit("after", after, JobKind.CONSULTANCY, draw(st.sampled_from([2, 3])), (Gap("classroom", 0),)))
    taken = draw(st.sampled_from([None, *GROUP]))
    fixed = (booked("taken", "eve", 1, 8, 17, at=taken),) if taken is not None else ()
    return world(people, sites, jobs, booked=fixed, horizon=days(0, 6), grid=timedelta(hours=4))


def _visit(name: str, at: str, kind: JobKind, first: int, after: tuple[Gap, ...]) -> Job:
    return job(
        name, kind=kind, enterprise_ids=(at,), window=days(first, first + 1), target=day(first), after=after,
        module=None if kind is JobKind.BASELINE else "M1",
    )  # fmt: skip
