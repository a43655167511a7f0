"""Classrooms: no more enterprises than seats, no fewer than the quorum, neighbours together."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.domain.classrooms import MOST_TOGETHER, grouped, sizes
from services.scheduler.domain.cohort import Asked, EnterpriseAsked, TrainerAsked, faults_of
from services.scheduler.domain.delivery import Stage, visits_for

FIRST = date(2026, 3, 8)
CLASSROOM = Stage("classroom", "classroom", 2, 2, 360, ("baseline",), 2, 28, None, online=False)
BASELINE = Stage("baseline", "baseline", 1, 1, 240, (), 0, None, None, online=False)


@given(st.integers(1, 60), st.integers(1, 12), st.integers(1, 12))
def test_groups_hold_everybody_within_quorum_and_capacity_or_there_are_none(count: int, quorum: int, more: int) -> None:
    capacity = quorum + more - 1
    found = sizes(count, quorum, capacity)
    possible = any(groups * quorum <= count <= groups * capacity for groups in range(1, count + 1))
    assert (found is not None) == possible
    if found is not None:
        assert sum(found) == count
        assert max(found) <= capacity
        assert min(found) >= quorum
        assert max(found) - min(found) <= 1


def test_without_a_capacity_all_are_in_one_classroom() -> None:
    assert sizes(MOST_TOGETHER, 1, None) == [MOST_TOGETHER]


def test_two_towns_get_a_classroom_each_and_the_first_one_asked_is_the_host() -> None:
    north, south = [uuid4() for _ in range(4)], [uuid4() for _ in range(4)]
    mixed = [one for pair in zip(north, south, strict=True) for one in pair]
    places = {one: (24.0 + n / 100, 90.0) for n, one in enumerate(north)}
    places |= {one: (22.0 + n / 100, 91.0) for n, one in enumerate(south)}
    assert set(grouped(mixed, places, 3, 5)) == {tuple(north), tuple(south)}


def test_visits_of_a_large_cohort_have_a_classroom_for_each_group_and_nobody_sits_in_two() -> None:
    enterprises = [uuid4() for _ in range(9)]
    places = {one: (20.0 + n, 90.0) for n, one in enumerate(enterprises)}
    stage = replace(CLASSROOM, quorum=4, capacity=5)
    drafts = visits_for([BASELINE, stage], enterprises, FIRST, FIRST + timedelta(days=60), uuid4, places)
    rooms = [one.enterprise_ids for one in drafts if one.stage.kind == "classroom"]
    assert sorted(map(len, rooms)) == [4, 5]
    assert sorted(one for room in rooms for one in room) == sorted(enterprises)


def asked(count: int, stage: Stage) -> Asked:
    return Asked(
        country="BD",
        countries=None,
        known_countries=frozenset({"BD"}),
        module="WC",
        modules=["WC"],
        stages=[BASELINE, stage],
        enterprises=[EnterpriseAsked(f"mill {n}", UUID(int=n), "BD") for n in range(count)],
        trainers=[TrainerAsked("ann", known=True, certified=True)],
        certified_modules=["WC"],
        first_day=FIRST,
        last_day=FIRST + timedelta(days=60),
        today=FIRST,
    )


@pytest.mark.parametrize(
    ("count", "stage", "code", "right"),
    [
        (6, replace(CLASSROOM, quorum=4, capacity=5), "no_classroom_fits", "5 or 8 enterprises, or another quorum"),
        (3, replace(CLASSROOM, quorum=4), "no_classroom_fits", "4 enterprises, or another quorum"),
        (
            13,
            CLASSROOM,
            "too_many_enterprises",
            "at most 12: they share one classroom, unless its stage has a capacity",
        ),
        (61, replace(CLASSROOM, capacity=5), "too_many_enterprises", "at most 60"),
    ],
)
def test_a_cohort_that_no_classrooms_fit_is_told_how_many_would(
    count: int, stage: Stage, code: str, right: str
) -> None:
    (fault,) = faults_of(asked(count, stage))
    assert (fault.code, fault.field) == (code, "enterprises")
    assert right in fault.expected


def test_a_cohort_that_fits_has_no_fault() -> None:
    assert faults_of(asked(13, replace(CLASSROOM, quorum=4, capacity=5))) == []
    assert faults_of(asked(12, CLASSROOM)) == []
