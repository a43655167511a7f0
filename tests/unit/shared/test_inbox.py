"""What the watermark says of a version."""

from __future__ import annotations

import pytest

from shared.kafka.inbox import Verdict, judge


@pytest.mark.parametrize(
    ("last", "version", "verdict"),
    [
        (None, 1, Verdict.HANDLE),
        (None, 2, Verdict.GAP),
        (1, 1, Verdict.REPEAT),
        (1, 2, Verdict.HANDLE),
        (1, 3, Verdict.GAP),
        (7, 3, Verdict.REPEAT),
        (2**62, 2**62 + 1, Verdict.HANDLE),
    ],
)
def test_the_next_one_is_handled_and_nothing_else(last: int | None, version: int, verdict: Verdict) -> None:
    assert judge(last, version) is verdict
