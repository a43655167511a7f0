"""After whatever happens the plan is valid again, confirmed visits stand, and no more changes than must."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scheduler.planner import Gap, Instance, Pin, Placement, check
from services.scheduler.planner.difference import ChangeKind
from services.scheduler.planner.disruption import (
    Absent,
    Cancelled,
    Closed,
    Disruption,
    NewHoliday,
    Refused,
    Wanted,
    disrupted,
)
from services.scheduler.planner.greedy import Greedy
from services.scheduler.planner.repair import as_plan, repair
from tests.unit.planner.factory import HOME, day, days, enterprise, job, placement, trainer, world
from tests.unit.planner.small_worlds import SITES, instances

CALM = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), max_examples=60
)


@st.composite
def disruptions(draw: st.DrawFn, instance: Instance, placed: tuple[Placement, ...]) -> Disruption:
    """One of everything that happens."""
    trainer_id = draw(st.sampled_from([t.id for t in instance.trainers]))
    first = draw(st.integers(0, 5))
    span = days(first, first + draw(st.integers(0, 6)))
    kinds: list[Disruption] = [
        Absent(trainer_id, span),
        Closed(draw(st.sampled_from(SITES)), span),
        NewHoliday(frozenset({"south"}), day(first)),
        Wanted((job("new", window=span, enterprise_ids=(draw(st.sampled_from(SITES)),)),)),
        Cancelled(frozenset({draw(st.sampled_from([j.id for j in instance.jobs]))})),
    ]
    if placed:
        visit = draw(st.sampled_from(placed))
        kinds.append(Refused(visit.job_id, visit.trainer_id))
    return draw(st.sampled_from(kinds))


def confirmed(instance: Instance, placed: tuple[Placement, ...], ids: set[str]) -> Instance:
    pins = {p.job_id: Pin(p.trainer_id, p.day, p.start, p.co_trainers) for p in placed if p.job_id in ids}
    return replace(instance, jobs=tuple(replace(j, pinned=pins.get(j.id)) for j in instance.jobs))


@CALM
@given(st.data(), instances(most_jobs=5, most_trainers=4))
def test_the_plan_is_valid_again_and_only_who_must_has_moved(data: st.DataObject, instance: Instance) -> None:
    placed = Greedy(instance).run()
    instance = confirmed(instance, placed, data.draw(st.sets(st.sampled_from([j.id for j in instance.jobs]))))
    what = data.draw(disruptions(instance, placed))
    after = repair(disrupted(instance, what), placed)
    assert check(after.instance, as_plan(after.instance, after.placements)) == []

    pins = {j.id for j in instance.jobs if j.pinned}
    assert not after.moved & pins
    new = {p.job_id: p for p in after.placements}
    gone = what.job_ids if isinstance(what, Cancelled) else frozenset()
    changed = {p.job_id for p in placed if new.get(p.job_id) != p and p.job_id not in gone}
    assert changed <= after.hit | after.moved
    assert after.difference.count == len(
        changed | (set(new) - {p.job_id for p in placed}) | gone & {p.job_id for p in placed}
    )


def crowd() -> tuple[Instance, tuple[Placement, ...]]:
    """Two trainers, full on Monday; on Tuesday only ann has room, and only the mill may be visited then."""
    people = [trainer("ann"), trainer("bob", home=HOME, leave=(days(1, 4),))]
    sites = [enterprise("mill"), enterprise("mine")]
    jobs = [
        job("a", window=days(0, 1), duration=job().duration * 2),
        job("b", window=days(0, 0), duration=job().duration * 2, enterprise_ids=("mine",)),
    ]
    return world(people, sites, jobs), (placement("a", "ann", hours=8), placement("b", "bob", hours=8))


def test_a_visit_gives_way_only_when_there_is_no_free_place() -> None:
    instance, placed = crowd()
    after = repair(disrupted(instance, Absent("bob", days(0, 0))), placed)
    assert {p.job_id: (p.trainer_id, p.day) for p in after.placements} == {"a": ("ann", day(1)), "b": ("ann", day(0))}
    assert (after.hit, after.moved, after.least) == ({"b"}, {"a"}, False)
    assert {c.job_id: c.kind for c in after.difference.changes} == {"a": ChangeKind.MOVED, "b": ChangeKind.REASSIGNED}


def test_a_cap_on_changes_leaves_out_rather_than_move_more() -> None:
    instance, placed = crowd()
    after = repair(disrupted(instance, Absent("bob", days(0, 0))), placed, most_moved=0)
    assert (after.left, after.moved) == ({"b"}, frozenset())
    assert as_plan(after.instance, after.placements).unplaced[0].reasons


def test_a_confirmed_visit_does_not_make_room() -> None:
    instance, placed = crowd()
    after = repair(disrupted(confirmed(instance, placed, {"a"}), Absent("bob", days(0, 0))), placed)
    assert after.left == {"b"}


def test_who_refused_is_not_sent_again_and_the_visit_keeps_its_hour() -> None:
    instance = world([trainer("ann"), trainer("bob")], jobs=[job(window=days(0, 9))])
    before = placement("visit", "ann", n=3, start=10)
    after = repair(disrupted(confirmed(instance, (before,), {"visit"}), Refused("visit", "ann")), [before])
    assert after.placements == (replace(before, trainer_id="bob"),)


def test_what_follows_moves_along_when_the_gap_would_break() -> None:
    jobs = [job("first", window=days(0, 20)), job("second", window=days(0, 30), after=(Gap("first", 7, 9),))]
    instance = world(jobs=jobs)
    placed = (placement("first", n=0), placement("second", n=7))
    after = repair(disrupted(instance, Closed("mill", days(0, 4))), placed)
    assert {p.job_id: p.day for p in after.placements} == {"first": day(7), "second": day(14)}
    assert (after.hit, after.moved) == ({"first"}, {"second"})


def test_cancelling_a_stage_frees_the_next_from_its_gap() -> None:
    jobs = [job("first"), job("second", window=days(0, 30), after=(Gap("first", 7, 9),))]
    placed = (placement("first"), placement("second", n=7))
    after = repair(disrupted(world(jobs=jobs), Cancelled(frozenset({"first"}))), placed, gone=jobs[:1])
    assert after.placements == placed[1:]
    assert (after.hit, after.difference.entries_cancelled) == (frozenset(), 2)


@pytest.mark.parametrize(
    "what",
    [
        Refused("nothing", "ann"),
        Absent("nobody", days(0, 0)),
        Closed("nowhere", days(0, 0)),
        Cancelled(frozenset({"x"})),
    ],
)
def test_a_disruption_of_nobody_known_is_refused(what: Disruption) -> None:
    with pytest.raises(ValueError, match="is in this instance"):
        disrupted(world(jobs=[job()]), what)
