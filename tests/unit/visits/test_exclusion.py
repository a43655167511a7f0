"""Whoever is named, and their line in both directions."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.visits.domain.exclusion import excluded

HEAD, DEPUTY, OFFICER, TRAINER, CANDIDATE, OTHER = (UUID(int=number) for number in range(1, 7))
LINE: dict[UUID, UUID | None] = {
    DEPUTY: HEAD,
    OFFICER: DEPUTY,
    OTHER: DEPUTY,
    TRAINER: OFFICER,
    CANDIDATE: TRAINER,
    HEAD: None,
}


def test_over_and_under_through_the_whole_line_but_not_beside() -> None:
    assert excluded([OFFICER], LINE) == {
        OFFICER: "named",
        DEPUTY: "line_above",
        HEAD: "line_above",
        TRAINER: "line_below",
        CANDIDATE: "line_below",
    }


def test_nobody_named_excludes_nobody() -> None:
    assert excluded([], LINE) == {}


def test_a_line_that_loops_ends() -> None:
    assert set(excluded([OFFICER], {OFFICER: DEPUTY, DEPUTY: OFFICER})) == {OFFICER, DEPUTY}


persons = st.integers(1, 8).map(lambda number: UUID(int=number))


@given(st.sets(persons, max_size=3), st.dictionaries(persons, persons, max_size=8))
def test_the_manager_and_the_reports_of_each_named_person_are_always_out(
    named: set[UUID], line: dict[UUID, UUID | None]
) -> None:
    out = excluded(named, line)
    for person, manager in line.items():
        if person in named:
            assert manager in out
        if manager in named:
            assert person in out
    assert all(out[person] == "named" for person in named)
