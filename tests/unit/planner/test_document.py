"""A stranger can write an instance: what comes in goes out again, and what is wrong is told with its place."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from services.scheduler.planner import Instance, check, solve
from services.scheduler.planner.document import (
    DocumentError,
    instance_document,
    instance_of,
    plan_document,
    plan_of,
)
from tests.unit.planner.small_worlds import instances
from tests.unit.planner.test_properties import CALM

ROOT = Path(__file__).parents[3]
SMALL = ROOT / "tests/benchmarks/planner/instances/instance-s-1.json"


@settings(CALM, max_examples=40)
@given(instances(most_jobs=5, most_trainers=4))
def test_an_instance_comes_back_as_it_went(instance: Instance) -> None:
    assert instance_of(json.loads(json.dumps(instance_document(instance)))) == instance


def test_a_plan_comes_back_as_it_went_and_is_judged_the_same() -> None:
    instance = instance_of(json.loads(SMALL.read_text()))
    plan = solve(instance, max_work=0.1)
    again = plan_of(json.loads(json.dumps(plan_document(plan))))
    assert again == plan
    assert check(instance, again) == []


def _without(name: str) -> Any:
    return lambda d: d["trainers"][1].pop(name)


def _set(value: object, *path: Any) -> Any:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without("home"), 'trainers[1].home: is missing (id "t1")'),
        (_set(-30, "jobs", 0, "duration"), "jobs[0].duration: -30 is not a duration; it is a number of minutes above 0"),
        (_set("2027-13-01", "jobs", 2, "window", "first"), "jobs[2].window.first: '2027-13-01' is not a day"),
        (_set("lunch", "jobs", 0, "kind"), "jobs[0].kind: 'lunch' is not one of baseline, classroom"),
        (_set([], "jobs", 0, "targt"), "jobs[0].targt: no such field"),
        (_set("north", "enterprises", 0, "position"), "enterprises[0].position: is a text, not an object"),
        (_set(["nobody"], "jobs", 0, "enterprise_ids"), "names an unknown enterprise"),
        (_set("2027-01-04T08:00+07:00", "booked"), "booked: is a text, not a list"),
        (_set([{}] * 10_000, "trainers"), "trainers: 10,000 of them, at most 2,000 are planned at once"),
        (_set("other/1", "format"), "format: 'other/1' is not"),
        (_set(181.0, "trainers", 0, "home", "lon"), "lon 181.0 is not between -180 and 180"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change: Any, words: str) -> None:
    document = deepcopy(json.loads(SMALL.read_text()))
    change(document)
    with pytest.raises(DocumentError) as told:
        instance_of(document)
    assert words in str(told.value)


def gemba(*arguments: object) -> tuple[int, Any]:
    command = [sys.executable, "-m", "deploy.local", "plan", *map(str, arguments), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


def test_from_file_to_plan_and_picture_and_its_judgement(tmp_path: Path) -> None:
    code, plan = gemba("solve", SMALL, "--work", "0.1", "--plot", tmp_path / "trace.svg")
    assert (code, plan["violations"], plan["unplaced"]) == (0, [], [])
    assert (tmp_path / "trace.svg").read_text().startswith("<svg")
    bare = {"format": plan["format"], "placements": plan["placements"]}
    (tmp_path / "bare.json").write_text(json.dumps(bare))
    assert gemba("check", SMALL, tmp_path / "bare.json") == (0, {"violations": []})
    bare["placements"][0]["day"] = "2027-01-03"
    (tmp_path / "broken.json").write_text(json.dumps(bare))
    code, judged = gemba("check", SMALL, tmp_path / "broken.json")
    assert code == 1
    assert {"horizon", "window"} <= {v["constraint"] for v in judged["violations"]}


def test_a_file_that_is_not_there_or_not_meant_is_an_error_in_the_document(tmp_path: Path) -> None:
    assert gemba("solve", tmp_path / "none.json")[0] == 3
    document = json.loads(SMALL.read_text()) | {"country_zone": "Mars/Olympus"}
    (tmp_path / "mars.json").write_text(json.dumps(document))
    code, told = gemba("solve", tmp_path / "mars.json")
    assert code == 1
    assert "no time zone" in told["error"]["message"]
