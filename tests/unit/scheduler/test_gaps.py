"""A visit keeps its distance to what comes before and after it at the same enterprise, and to nothing else."""

from __future__ import annotations

from uuid import UUID, uuid4

from services.scheduler.domain.delivery import Stage
from services.scheduler.domain.gaps import Distance, Node, distances

A, B = uuid4(), uuid4()
STAGES = {
    "baseline": Stage("baseline", "baseline", 1, 1, 240, (), 0, None, None, online=False),
    "classroom": Stage("classroom", "classroom", 2, 2, 360, ("baseline",), 2, 28, None, online=False),
    "visit_1": Stage("visit_1", "consultancy", 3, 1, 240, ("classroom",), 7, 21, None, online=False),
}


def node(stage: str, *enterprises: UUID, **more: object) -> Node:
    return Node(uuid4(), stage, frozenset(enterprises), **more)  # type: ignore[arg-type]


BASELINE_A, BASELINE_B = node("baseline", A), node("baseline", B)
CLASSROOM = node("classroom", A, B)
VISIT_A, VISIT_B = node("visit_1", A), node("visit_1", B)
ALL = [BASELINE_A, BASELINE_B, CLASSROOM, VISIT_A, VISIT_B]


def test_a_classroom_waits_for_every_baseline_and_holds_back_every_visit() -> None:
    after, before = distances(CLASSROOM, ALL, STAGES)
    assert set(after) == {Distance(BASELINE_A.visit_id, 2, 28), Distance(BASELINE_B.visit_id, 2, 28)}
    assert set(before) == {Distance(VISIT_A.visit_id, 7, 21), Distance(VISIT_B.visit_id, 7, 21)}


def test_a_baseline_that_must_move_still_precedes_the_classroom() -> None:
    assert distances(BASELINE_A, ALL, STAGES) == ((), (Distance(CLASSROOM.visit_id, 2, 28),))


def test_what_is_withdrawn_holds_nobody_back() -> None:
    gone = Node(CLASSROOM.visit_id, "classroom", frozenset({A, B}), present=False)
    assert distances(VISIT_A, [BASELINE_A, gone, VISIT_A], STAGES) == ((), ())


def test_what_follows_waits_for_the_remainder_of_a_visit_and_no_longer_for_the_first_part() -> None:
    remainder = node("baseline", A, carried_from=BASELINE_A.visit_id)
    after, _ = distances(CLASSROOM, [*ALL, remainder], STAGES)
    assert {one.visit_id for one in after} == {remainder.visit_id, BASELINE_B.visit_id}


def test_a_remainder_comes_after_its_first_part_and_before_what_follows() -> None:
    remainder = node("baseline", A, carried_from=BASELINE_A.visit_id)
    after, before = distances(remainder, [*ALL, remainder], STAGES)
    assert after == (Distance(BASELINE_A.visit_id, 0, None),)
    assert before == (Distance(CLASSROOM.visit_id, 2, None),)


def test_the_remainder_of_a_later_stage_keeps_only_the_lower_end_of_its_band() -> None:
    remainder = node("visit_1", A, carried_from=VISIT_A.visit_id)
    after, _ = distances(remainder, [*ALL, remainder], STAGES)
    assert set(after) == {Distance(CLASSROOM.visit_id, 7, None), Distance(VISIT_A.visit_id, 0, None)}


def test_a_stage_that_no_plan_knows_keeps_no_distance() -> None:
    assert distances(node("follow_up", A), ALL, STAGES) == ((), ())
