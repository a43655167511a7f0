"""After a decline, silence or illness: who can take the visit, in which order, and why the others cannot."""

from services.scheduler.planner import Gap, Level, Position, Trainer, check, rank_replacements
from tests.unit.planner.factory import booked, certified, day, days, job, placement, plan_of, trainer, world


def near(name: str, km: float, **more: object) -> Trainer:
    return trainer(name, home=Position(10.0, 106.1 - km / 142), **more)


def test_the_nearest_free_trainer_comes_first_with_the_cost_of_the_change() -> None:
    instance = world([near("ann", 10), near("bob", 30), near("cat", 20)], jobs=[job()])
    first, second = rank_replacements(instance, "visit", placement(), excluding=frozenset())
    assert [first.trainer_id, second.trainer_id] == ["cat", "bob"]
    assert first.same_day
    assert 0 < first.cost_difference < second.cost_difference
    assert first.placement == placement(who="cat")


def test_those_who_cannot_are_named_with_the_reason() -> None:
    people = [
        near("ann", 10), near("bob", 10, leave=(days(0, 0),)), near("cat", 10, certificates=()),
        near("dan", 10, conflicts=frozenset({"mill"})), near("eve", 10), near("fay", 10), near("gus", 10),
        near("hal", 10, languages=frozenset({"en"})),
    ]  # fmt: skip
    busy = (booked("x", "fay", 0, 8, 17),)
    found = rank_replacements(
        world(people, jobs=[job()], booked=busy), "visit", placement(), excluding=frozenset({"gus"})
    )
    assert {c.trainer_id: c.reasons[0].code if c.reasons else "ok" for c in found} == {
        "eve": "ok", "bob": "on_leave", "cat": "not_certified", "dan": "conflict_of_interest",
        "fay": "already_booked", "gus": "declined", "hal": "no_manager_language",
    }  # fmt: skip
    assert found[0].trainer_id == "eve"


def test_somebody_free_on_the_same_day_goes_before_anybody_on_another() -> None:
    people = [near("ann", 10), near("bob", 1, leave=(days(0, 0),)), near("cat", 90)]
    found = rank_replacements(world(people, jobs=[job()]), "visit", placement(), excluding=frozenset())
    assert [c.trainer_id for c in found if c.placement] == ["cat"]


def test_when_nobody_can_on_the_day_the_nearest_other_day_of_the_window_is_offered() -> None:
    people = [near("ann", 10), near("bob", 10, leave=(days(0, 2),))]
    (found,) = rank_replacements(world(people, jobs=[job()]), "visit", placement(n=1), excluding=frozenset())
    assert (found.placement and found.placement.day, found.same_day) == (day(3), False)


def test_the_afternoon_is_offered_when_the_morning_is_taken() -> None:
    instance = world([near("ann", 10), near("bob", 10)], jobs=[job()], booked=(booked("x", "bob", 0, 8, 12),))
    (found,) = rank_replacements(instance, "visit", placement(), excluding=frozenset())
    assert found.placement is not None
    assert found.placement.start.hour >= 12


def test_a_pool_that_is_dry_gives_reasons_only() -> None:
    found = rank_replacements(
        world([near("ann", 10), near("bob", 10)], jobs=[job()]), "visit", placement(), excluding=frozenset({"bob"})
    )
    assert [c.placement for c in found] == [None]


def test_the_gaps_to_the_visits_around_it_are_kept_from_both_sides() -> None:
    jobs = [job("visit", window=days(0, 30)), job("next", window=days(0, 30), after=(Gap("visit", 7, 9),))]
    people = [near("ann", 10), near("bob", 10, leave=(days(0, 3),))]
    instance = world(people, jobs=jobs)
    later = placement("next", n=11)
    (found,) = rank_replacements(instance, "visit", placement(n=3), excluding=frozenset(), others=[later])
    assert found.placement is not None
    assert found.placement.day == day(4)
    assert check(instance, plan_of(instance, found.placement, later)) == []
    nobody = [c for c in rank_replacements(world([people[0], near("bob", 10, leave=(days(0, 5),))], jobs=jobs),
              "visit", placement(n=3), excluding=frozenset(), others=[later]) if c.placement]  # fmt: skip
    assert nobody == []


def test_the_second_of_a_pair_stays() -> None:
    expert = (certified(level=Level.EXPERT),)
    people = [near("ann", 10, certificates=expert), near("bob", 10, certificates=expert), near("cat", 10)]
    instance = world(people, jobs=[job(crew=2)])
    found = rank_replacements(instance, "visit", placement(co_trainers=("cat",)), excluding=frozenset())
    assert [(c.trainer_id, c.placement and c.placement.co_trainers) for c in found] == [("bob", ("cat",))]


def test_where_nobody_else_can_lead_the_second_does_and_another_one_goes_along() -> None:
    expert, candidate = (certified(level=Level.EXPERT),), (certified(level=Level.CANDIDATE),)
    people = [
        near("ann", 10, certificates=expert), near("bob", 20, certificates=expert), near("cat", 10, certificates=candidate),
        near("dan", 15, certificates=candidate),
    ]  # fmt: skip
    instance = world(people, jobs=[job(crew=2)])
    experts, mixed = placement(co_trainers=("bob",)), placement(co_trainers=("cat",))
    found = rank_replacements(instance, "visit", experts, excluding=frozenset({"ann"}), replacing="ann")
    assert [c.placement for c in found] == [placement(who="bob", co_trainers=(who,)) for who in ("cat", "dan")]
    assert all(c.same_day and c.placement and check(instance, plan_of(instance, c.placement)) == [] for c in found)
    out = frozenset({"ann", "bob"})
    dry = rank_replacements(instance, "visit", mixed, excluding=out, replacing="ann")
    assert [c.placement for c in dry if c.placement] == [], "a candidate never leads"


def test_at_most_so_many_are_offered() -> None:
    people = [near(f"t{n:02}", 10 + n) for n in range(9)]
    found = rank_replacements(
        world(people, jobs=[job()]), "visit", placement(who="t00"), excluding=frozenset(), limit=3
    )
    assert [c.trainer_id for c in found if c.placement] == ["t01", "t02", "t03"]


def test_of_a_pair_the_one_who_declined_is_replaced_and_the_other_stays() -> None:
    expert, candidate = (certified(level=Level.EXPERT),), (certified(level=Level.CANDIDATE),)
    people = [
        near("ann", 10, certificates=expert), near("bob", 20, certificates=expert), near("cat", 10, certificates=candidate),
        near("dan", 15, certificates=candidate), near("eve", 30, certificates=candidate), near("fay", 10, certificates=()),
    ]  # fmt: skip
    instance = world(people, jobs=[job(crew=2)])
    pair = placement(co_trainers=("cat",))
    seconds = rank_replacements(instance, "visit", pair, excluding=frozenset({"cat"}), replacing="cat")
    assert [(c.trainer_id, c.placement and c.placement.trainer_id) for c in seconds if c.placement] == [
        ("dan", "ann"), ("bob", "ann"), ("eve", "ann"),
    ]  # fmt: skip
    assert {c.trainer_id: c.reasons[0].code for c in seconds if not c.placement} == {"fay": "not_certified"}
    leads = rank_replacements(instance, "visit", pair, excluding=frozenset({"ann"}), replacing="ann")
    assert [(c.trainer_id, c.placement and c.placement.co_trainers) for c in leads if c.placement] == [
        ("bob", ("cat",))
    ]
    for one in (*seconds, *leads):
        assert one.placement is None or check(instance, plan_of(instance, one.placement)) == []
