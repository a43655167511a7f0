"""What a campaign does is decided by its seed alone, and what cannot be done is said before anything starts."""

from __future__ import annotations

import pytest

from deploy.local.problem import Problem
from tests.chaos.kinds import KINDS, choose
from tests.chaos.schedule import OFFERS, REPORTS, Schedule, draw


def drawn(seed: int = 7, facts: int = 400, faults: int = 40) -> Schedule:
    return draw(seed, facts, faults, choose([]))


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another_one() -> None:
    assert drawn() == drawn()
    assert drawn(seed=8) != drawn()


def test_a_schedule_has_as_many_facts_and_faults_as_were_asked_for() -> None:
    schedule = drawn()
    assert schedule.facts == 400
    assert len(schedule.faults) == 40
    keys = [command.key for story in schedule.stories for command in story.commands]
    assert len(set(keys)) == len(keys), "every wish has an idempotency key of its own"


def test_faults_are_spread_over_the_load_in_order_and_every_kind_comes_before_any_comes_twice() -> None:
    schedule = drawn(faults=len(choose([])))
    places = [fault.at for fault in schedule.faults]
    assert places == sorted(places)
    assert all(0 < at < 400 for at in places)
    assert {fault.kind for fault in schedule.faults} == {kind.name for kind in choose([])}


def test_a_case_is_raised_before_anything_else_becomes_of_it() -> None:
    order = ["raise", "acknowledge", "note", "propose", "approve"]
    for story in [story for story in drawn().stories if story.kind == "case"]:
        acts = [command.act for command in story.commands]
        assert acts == sorted(acts, key=order.index)
        assert acts[0] == "raise"


def test_ordinary_work_goes_on_beside_the_cases_each_visit_and_offer_in_one_story() -> None:
    stories = [story for story in drawn(facts=2000).stories if story.kind != "case"]
    places = [(story.kind, story.place) for story in stories]
    assert sorted(places) == [
        *(("offer", place) for place in range(OFFERS)),
        *(("report", place) for place in range(REPORTS)),
    ]
    for story in stories:
        acts = [command.act for command in story.commands]
        if story.kind == "offer":
            assert acts in (["accept"], ["decline"])
        else:
            assert acts[0] == "report"
            assert acts[1::2] == ["evidence"] * (len(acts) // 2)
            assert set(acts[2:-1:2]) <= {"return"}
            assert story.findings[0].grade == "minor", "its action is what evidence is handed in for"


def test_few_facts_are_of_cases_alone_and_need_no_cohort() -> None:
    assert not drawn(facts=60, faults=3).has_visits
    assert drawn(facts=400).has_visits


def test_a_relay_stands_only_where_something_is_to_go_wrong_on_the_way() -> None:
    on_the_way = {kind.name for kind in KINDS.values() if kind.on_the_way}
    assert on_the_way == {
        name for name in KINDS if name.split("-")[0] in {"cut", "half", "latency", "slow", "reset", "busy"}
    }


@pytest.mark.parametrize(("facts", "faults"), [(10, 3), (0, 0), (100, -1)])
def test_what_does_not_fit_is_refused(facts: int, faults: int) -> None:
    with pytest.raises(Problem):
        draw(1, facts, faults, choose([]))


def test_an_unknown_kind_is_refused_by_name_with_those_that_there_are() -> None:
    with pytest.raises(Problem, match="'kill-everything'") as refused:
        choose(["kill-service", "kill-everything"])
    assert all(name in refused.value.remedy for name in KINDS)
