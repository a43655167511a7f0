"""Why her, why then, and why not the next three: each of them given the visit and planned again."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from services.scheduler.planner import Instance, Position, check
from services.scheduler.planner.greedy import Greedy
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.rivals import explain_choice
from tests.unit.planner.factory import booked, day, days, enterprise, job, placement, plan_of, trainer, world
from tests.unit.planner.small_worlds import instances


def at(km: float) -> Position:
    return Position(10.0, 106.1 - km / 142)


def test_the_next_three_by_price_are_told_about_whether_they_can_or_not() -> None:
    people = [
        trainer("ann", home=at(5)), trainer("bob", home=at(6), leave=(days(0, 4),)), trainer("cat", home=at(30)),
        trainer("dan", home=at(9)), trainer("eve", home=at(60)), trainer("fay", home=at(1), certificates=()),
    ]  # fmt: skip
    busy = tuple(booked(f"x{n}", "dan", n, 8, 17) for n in range(4))
    instance = world(people, jobs=[job()], booked=busy)
    choice = explain_choice(Ledger(instance, [placement()]), "visit")
    assert [r.trainer_id for r in choice.trainers] == ["bob", "dan", "cat"]
    bob, dan, cat = choice.trainers
    assert (bob.placement, [r.code for r in bob.reasons]) == (None, ["on_leave"])
    assert dan.placement is not None
    assert (dan.placement.day, [r.code for r in dan.reasons], dan.same_day) == (day(4), ["already_booked"], False)
    assert (cat.reasons, cat.same_day) == ((), True)
    assert cat.cost_difference > 0
    assert cat.difference["km"] > 0
    assert abs(sum(cat.difference.values()) - cat.cost_difference) < 1e-9


def test_somebody_named_is_told_about_even_when_they_never_could() -> None:
    people = [trainer("ann"), trainer("bob"), trainer("cat"), trainer("dan"), trainer("eve", certificates=())]
    choice = explain_choice(
        Ledger(world(people, jobs=[job()]), [placement()]), "visit", asked=frozenset({"eve"}), rivals=1
    )
    assert [(r.trainer_id, r.reasons[0].code) for r in choice.trainers] == [("eve", "not_certified")]


def test_a_rival_who_can_only_when_another_visit_moves_says_which() -> None:
    hours = job().duration * 2
    jobs = [job("visit", window=days(0, 0), duration=hours),
            job("other", window=days(0, 1), duration=hours, enterprise_ids=("mine",))]  # fmt: skip
    instance = world([trainer("ann"), trainer("bob")], [enterprise("mill"), enterprise("mine")], jobs)
    book = Ledger(instance, [placement("visit", "ann", hours=8), placement("other", "bob", hours=8)])
    (bob,) = explain_choice(book, "visit").trainers
    assert bob.placement == placement("visit", "bob", hours=8)
    assert [(p.job_id, p.trainer_id) for p in bob.moved] in ([("other", "ann")], [("other", "bob")])
    assert [r.code for r in bob.reasons] == ["already_booked"]


def test_the_next_days_cost_what_moving_there_would() -> None:
    instance = world(jobs=[job(target=day(1), window=days(0, 4))])
    choice = explain_choice(Ledger(instance, [placement(n=1)]), "visit")
    assert [(d.placement and d.placement.day, round(d.cost_difference, 6)) for d in choice.days] == [
        (day(0), 4.0), (day(2), 4.0), (day(3), 8.0),
    ]  # fmt: skip


@settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), max_examples=12)
@given(instances(most_jobs=4, most_trainers=3))
def test_every_rival_that_can_is_sound_and_costs_what_is_said(instance: Instance) -> None:
    plan = plan_of(instance, *Greedy(instance).run())
    book = Ledger(instance, plan.placements)
    for one in plan.placements:
        choice = explain_choice(book, one.job_id)
        for rival in (*choice.trainers, *choice.days):
            if rival.placement is None:
                assert rival.reasons
                continue
            moved = {p.job_id: p for p in (*rival.moved, rival.placement)}
            other = plan_of(instance, *(moved.get(p.job_id, p) for p in plan.placements))
            assert check(instance, other) == []
            assert abs(other.cost - plan.cost - rival.cost_difference) < 1e-3
    assert replace(plan, placements=tuple(book.placements[p.job_id] for p in plan.placements)) == plan
