"""Delivery plans are data: the order, the shortest window and the visits follow from the stages alone."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.domain.delivery import (
    CircularStages,
    Stage,
    in_order,
    shortest_span_days,
    visits_for,
)

FIRST = date(2026, 3, 8)


def stage(
    name: str, *after: str, kind: str = "consultancy", days: int = 1, gap: int = 0, offset: int | None = None
) -> Stage:
    return Stage(name, kind, 1, days, 240, after, gap, None, offset, online=False)


SCORE = (
    stage("baseline", kind="baseline"),
    stage("classroom", "baseline", kind="classroom", days=2, gap=2),
    stage("visit_1", "classroom", gap=7),
)


def test_the_shortest_window_counts_visits_and_their_gaps() -> None:
    # day 0 baseline, days 2 and 3 classroom, day 10 visit: eleven days, both ends included
    assert shortest_span_days(SCORE) == 11
    assert shortest_span_days(()) == 0


def test_a_classroom_is_for_all_together_and_every_other_stage_at_each_enterprise() -> None:
    enterprises = [uuid4() for _ in range(4)]
    drafts = visits_for(SCORE, enterprises, FIRST, FIRST + timedelta(days=60), uuid4)
    assert [(one.stage.stage, len(one.enterprise_ids)) for one in drafts] == [
        *[("baseline", 1)] * 4,
        ("classroom", 4),
        *[("visit_1", 1)] * 4,
    ]
    assert drafts[4].enterprise_ids == tuple(enterprises)


def test_the_target_day_stays_within_the_window() -> None:
    (draft,) = visits_for([stage("late", offset=90)], [uuid4()], FIRST, FIRST + timedelta(days=30), uuid4)
    assert draft.target == FIRST + timedelta(days=30)


def test_stages_that_wait_for_one_another_are_named() -> None:
    with pytest.raises(CircularStages, match=r"a, b|b, a"):
        in_order([stage("a", "b"), stage("b", "a"), stage("c")])


@given(st.permutations([stage("a"), stage("b", "a"), stage("c", "a", "b"), stage("d", "c")]))
def test_every_stage_comes_after_those_it_waits_for(stages: list[Stage]) -> None:
    assert [one.stage for one in in_order(stages)] == ["a", "b", "c", "d"]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 30)), min_size=1, max_size=8))
def test_a_chain_needs_at_least_its_days_and_the_gaps_between_them(links: list[tuple[int, int]]) -> None:
    chain = [
        stage(f"s{place}", *([f"s{place - 1}"] if place else []), days=days, gap=gap)
        for place, (days, gap) in enumerate(links)
    ]
    # a gap of n calendar days from one visit's last day to the next one's first day
    expected = links[0][0] + sum(gap + days - 1 for days, gap in links[1:])
    assert shortest_span_days(chain) == expected


def test_ids_are_made_by_the_caller() -> None:
    made = iter(UUID(int=number) for number in range(10))
    drafts = visits_for(SCORE, [uuid4()], FIRST, FIRST, lambda: next(made))
    assert [one.visit_id.int for one in drafts] == [0, 1, 2]
