"""What a benchmark's table says must not flatter: a target is met or missed, whichever way it points."""

from __future__ import annotations

import pytest

from tests.benchmarks.figures import Row, Target, at_least, at_most, ratio_at_least, ratio_at_most, spread, table


@pytest.mark.parametrize(
    ("target", "ours", "reference", "met"),
    [
        (ratio_at_least(0.75), 75.0, 100.0, True),
        (ratio_at_least(0.75), 74.9, 100.0, False),
        (ratio_at_most(2), 5.0, 2.5, True),
        (ratio_at_most(2), 5.1, 2.5, False),
        (at_most(25), 25.0, 2.0, True),
        (at_most(25), 25.1, 2.0, False),
        (at_least(10_000), 10_000.0, None, True),
        (at_least(10_000), 9_999.0, None, False),
        (at_most(0), 1.0, None, False),
    ],
)
def test_a_target_is_met_on_its_own_side_only(target: Target, ours: float, reference: float | None, met: bool) -> None:
    assert Row("job", "ms", ours, "them", reference, target).met is met


def test_a_ratio_without_a_reference_is_a_mistake_and_not_a_success() -> None:
    with pytest.raises(AssertionError, match="needs a reference"):
        _ = Row("relay", "facts/s", 1.0, "", None, ratio_at_least(0.75)).met


def test_a_line_without_a_target_promises_nothing() -> None:
    row = Row("job", "ms", 1.0)
    assert row.met is None
    assert row.as_json()["target"] is None


def test_the_table_says_what_was_missed() -> None:
    lines = table([Row("relay", "facts/s", 9301.2, "alone", 18890.0, ratio_at_least(0.75)), Row("x", "ms", 1.5)])
    assert lines.splitlines()[2].split("|")[3:9] == [
        *(" 9,301 ", " alone   ", " 18,890    ", " 0.49  ", " ≥ 0.75 × ", " NO  "),
    ]
    assert len({len(line) for line in lines.splitlines()}) == 1


def test_latencies_are_told_in_milliseconds() -> None:
    told = spread([0.001 * value for value in range(1, 101)])
    assert (round(told.p50, 1), round(told.longest, 1)) == (50.5, 100.0)
    assert told.p99 == pytest.approx(99.01)
