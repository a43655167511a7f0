"""A cohort's figures add up, it is complete when nothing is left to do, and a verification looks like a follow-up."""

from __future__ import annotations

from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.domain.visit import Progress, VisitState, figures_of, is_complete, shown_kind

STATES = st.sampled_from([str(state) for state in VisitState])


@given(st.lists(st.builds(Progress, STATES, st.integers(0, 3), st.integers(0, 3))))
def test_every_visit_is_counted_once(visits: list[Progress]) -> None:
    figures = asdict(figures_of(visits))
    drafts = sum(one.state == "draft" for one in visits)
    counted = sum(figures[name] for name in ("booked", "confirmed", "reported", "withdrawn", "unplaceable"))
    assert figures["visits"] == len(visits) == counted + drafts


@given(st.lists(STATES))
def test_a_cohort_with_anything_left_to_do_is_not_complete(states: list[str]) -> None:
    left = [state for state in states if state not in {"reported", "withdrawn"}]
    assert is_complete(states) == (not left and "reported" in states)


def test_a_verification_is_shown_as_a_follow_up() -> None:
    assert shown_kind("verification") == "follow_up"
    assert {shown_kind(kind) for kind in ("baseline", "classroom", "consultancy", "follow_up")} == {
        "baseline",
        "classroom",
        "consultancy",
        "follow_up",
    }
