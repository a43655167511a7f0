"""A plan kept as a book: taking a visit out, putting it elsewhere and pricing it come to what counting all again says."""

import pytest
from hypothesis import HealthCheck, given, settings

from services.scheduler.planner import Instance, JobKind, check
from services.scheduler.planner.greedy import Greedy
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.seats import seats
from services.scheduler.planner.valuation import Valuation
from tests.unit.planner.factory import day, job, placement, plan_of, trainer, world
from tests.unit.planner.small_worlds import instances

CALM = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), max_examples=60
)


@CALM
@given(instances(most_jobs=5, most_trainers=4))
def test_a_price_is_the_difference_of_two_valuations_part_by_part(instance: Instance) -> None:
    plan = Greedy(instance).run()
    book, valuation = Ledger(instance, plan), Valuation(instance)
    for one in plan:
        rest = [p for p in plan if p is not one]
        book.take(one.job_id)
        before, after, price = valuation.parts(rest), valuation.parts(plan), book.price(one)
        for part in set(price) - {"unplaced"}:
            assert price[part] == pytest.approx(after[part] - before[part], abs=1e-6), part
        book.put(one)


@CALM
@given(instances(most_jobs=5, most_trainers=3))
def test_every_seat_that_is_offered_is_sound_and_no_visit_is_offered_its_taken_place(instance: Instance) -> None:
    plan = Greedy(instance).run()
    book = Ledger(instance, plan)
    for one in plan:
        book.take(one.job_id)
        rest = [p for p in plan if p is not one]
        offered = list(seats(book, book.jobs[one.job_id]))
        assert any((p.trainer_id, p.day) == (one.trainer_id, one.day) for p in offered)
        for seat in offered[:6]:
            assert book.refusals(seat) == []
            assert check(instance, plan_of(instance, *rest, seat)) == []
        book.put(one)


def test_what_was_taken_out_and_put_back_leaves_no_trace() -> None:
    instance = world(
        [trainer("ann"), trainer("bob")], jobs=[job("a"), job("b", kind=JobKind.CONSULTANCY, window=(job().window))]
    )
    one, two = placement("a"), placement("b", "bob", n=1)
    book, fresh = Ledger(instance, [one, two]), Ledger(instance, [one])
    book.take("b")
    assert book.load - fresh.load == fresh.load - book.load
    assert book.leads == fresh.leads
    assert [len(book.table.stops_on("bob", day(n).toordinal())) for n in range(3)] == [0, 0, 0]
    assert book.table.visits_in_week("bob", (day(1).toordinal() - 1) // 7) == 0
    assert list(seats(book, book.jobs["b"]))
