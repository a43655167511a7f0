"""Looking at a plan from a terminal: why, what if, what differs, who is told; and mending what is published."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from deploy.local.client.planning import how_far
from deploy.local.client.plot import trace_svg
from tests.unit.cli.conftest import Pretended, Run

COHORTS = "/scheduler/api/cohorts"
PLANS = "/scheduler/api/plans"
ANN, BOB = ({"id": f"t{n}", "key": f"BD-T0{n}", "name": name} for n, name in ((1, "Ann"), (2, "Bob")))
MILL = {"id": "e1", "key": "BD-E01", "name": "Padma Knits"}


def plan(plan_id: str = "p1", state: str = "proposed", **more: Any) -> dict[str, Any]:
    placed = {
        "visit_id": "v1", "stage": "baseline", "enterprises": [MILL], "trainer": ANN, "co_trainers": [],
        "day": "2026-02-03", "start": "09:00", "end": "13:00", "days": 1, "alternatives": [],
    }  # fmt: skip
    load = {"trainer": ANN, "visits": 1, "booked": 2, "share": 2, "km": 12.5, "nights": 0}
    return {
        "plan_id": plan_id, "state": state, "status": "feasible", "cost": 120.0, "bound": 100.0, "gap": 0.1667,
        "parts": {"km": 120.0, "load": 0.0}, "placements": [placed], "unplaced": [], "loads": [load],
        "trace": [[0.1, 150.0, 50.0, 1.0], [1.0, 120.0, 100.0, 0.0]], "assumptions": None, **more,
    }  # fmt: skip


def changes() -> dict[str, Any]:
    seat = {"trainer": ANN, "co_trainers": [], "day": "2026-02-03", "start": "09:00", "end": "13:00", "days": 1}
    one = {
        "visit_id": "v1", "stage": "baseline", "enterprises": [MILL], "change": "reassigned",
        "before": seat, "after": seat | {"trainer": BOB}, "reasons": [], "relaxations": [],
    }  # fmt: skip
    told = {"messages": 1, "new": 1, "updated": 0, "cancelled": 0, "first": "2026-02-03", "last": "2026-02-03"}
    kinds = {"visits": 1, "placed": 0, "moved": 0, "reassigned": 1, "moved_and_reassigned": 0, "dropped": 0}
    return {
        "figures": kinds | {"people": 2, "enterprises": 1, "messages": 3},
        "calendar_entries": {"new": 1, "updated": 1, "cancelled": 1},
        "changes": [one],
        "trainers": [{"who": ANN} | told, {"who": BOB} | told],
        "enterprises": [{"who": MILL} | told],
    }


def test_a_plan_is_proposed_waited_for_and_drawn(gemba: Pretended, run: Run, tmp_path: Path) -> None:
    cohort = {"cohort_id": "c1", "name": "Spring", "state": "planned"}
    gemba.answer("GET", f"{COHORTS}/c1", cohort)
    gemba.answer("POST", f"{COHORTS}/c1/replan", cohort | {"state": "planned"})
    gemba.answer("GET", f"{COHORTS}/c1/plan", plan())
    done = run("plan", "propose", "c1", "--plot", tmp_path / "plan.svg")
    assert done.code == 0, done.err
    assert "120.0 points, at most 16.7 % above the best there can be" in done.out
    assert "Ann" in done.out
    drawn = ET.fromstring((tmp_path / "plan.svg").read_text("utf-8"))
    assert len(drawn.findall("{http://www.w3.org/2000/svg}polyline")) == 2


def test_with_assumptions_a_copy_is_made_and_the_proposal_left_alone(gemba: Pretended, run: Run) -> None:
    job = {"job_id": "j1", "cohort_id": "c1", "state": "queued", "plan_id": None, "progress": None, "trouble": None}
    gemba.answer("POST", f"{COHORTS}/c1/what-if", (202, job, {}))
    gemba.answer("GET", "/scheduler/api/planning-jobs/j1", job | {"state": "done", "plan_id": "p2"})
    left = {"visit_id": "v2", "stage": "visit", "enterprises": [MILL], "reasons": [], "relaxations": []}
    gemba.answer("GET", f"{PLANS}/p2", plan("p2", "what_if", unplaced=[left]))
    done = run("plan", "propose", "c1", "--without", "BD-T02", "--weight", "per_km=2", "--until", "2026-07-31")
    assert done.code == 1, "not every visit has a place"
    assert gemba.of(f"{COHORTS}/c1/what-if")[0].json == {
        "weights": {"per_km": 2.0}, "without": ["BD-T02"], "until": "2026-07-31",
    }  # fmt: skip
    assert "plan adopt p2" in done.out
    assert run("plan", "propose", "c1", "--weight", "per_km=much").code == 2


def test_why_her_and_not_the_next_ones(gemba: Pretended, run: Run) -> None:
    gemba.answer("GET", f"{COHORTS}/c1/plan", plan())
    rival = {
        "trainer": BOB, "day": "2026-02-04", "start": "09:00", "extra_cost": 14.0, "difference": {"km": 14.0},
        "reasons": [{"text": "Is on leave."}], "moved": [], "same_day": False,
    }  # fmt: skip
    why = {
        "visit_id": "v1", "trainer": ANN, "day": "2026-02-03", "parts": {"km": 12.0}, "trainers": [rival], "days": [],
        "reasons": [], "relaxations": [],
    }  # fmt: skip
    gemba.answer("GET", f"{PLANS}/p1/visits/v1/reasons", why)
    done = run("plan", "explain", "c1", "baseline/BD-E01", "--trainer", "BD-T02")
    assert done.code == 0, done.err
    assert gemba.asked[-1].query == {"trainer": "BD-T02"}
    assert "Ann on 2026-02-03 (kilometres 12)" in done.out
    assert "not Bob: Is on leave. Could on 2026-02-04, +14 points (kilometres +14)" in done.out
    missing = run("plan", "explain", "c1", "classroom")
    assert missing.code == 3
    assert "its stages are baseline" in missing.err
    assert run("plan", "explain", "c1", "v1", "--json").json["items"][0]["trainer"] == ANN


def test_why_nowhere_and_what_would_help_with_names(gemba: Pretended, run: Run) -> None:
    left = {"visit_id": "v2", "stage": "visit", "enterprises": [MILL], "reasons": [], "relaxations": []}
    gemba.answer("GET", f"{COHORTS}/c1/plan", plan(unplaced=[left]))
    steps = [{"text": "1 day of leave moved (3 March)", "trainer": BOB, "enterprise": None},
             {"text": "an interpreter", "trainer": None, "enterprise": None}]  # fmt: skip
    why = {
        "visit_id": "v2", "trainer": None, "day": None, "parts": {}, "trainers": [], "days": [],
        "reasons": [{"text": "Everybody is away.", "trainer": None}],
        "relaxations": [{"text": "…", "steps": steps, "everything_else_held": True}],
    }  # fmt: skip
    gemba.answer("GET", f"{PLANS}/p1/visits/v2/reasons", why)
    shown = run("plan", "explain", "c1").out
    assert "because Everybody is away." in shown
    assert "would help: Bob: 1 day of leave moved (3 March) and an interpreter" in shown


def test_two_plans_are_compared_the_newest_with_the_proposal(gemba: Pretended, run: Run) -> None:
    items = [
        {"plan_id": one, "state": state} for one, state in (("p3", "what_if"), ("p2", "proposed"), ("p1", "superseded"))
    ]
    gemba.answer("GET", f"{COHORTS}/c1/plans", {"items": items})
    cost = {"before": 120.0, "after": 130.0, "difference": 10.0, "parts": {"km": 10.0}}
    gemba.answer("GET", f"{PLANS}/p3/difference", changes() | {"cost": cost, "plan_id": "p3", "against": "p2"})
    done = run("plan", "diff", "c1")
    assert gemba.asked[-1].query == {"against": "p2"}
    assert "120.0 → 130.0 (+10)" in done.out
    assert "other trainer" in done.out
    gemba.answer("GET", f"{COHORTS}/c2/plans", {"items": []})
    assert run("plan", "diff", "c2").code == 3


def test_before_publishing_everybody_is_named_with_their_channel(gemba: Pretended, run: Run) -> None:
    gemba.answer("GET", f"{COHORTS}/c1/plan", plan())
    gemba.answer("GET", f"{PLANS}/p1/effects", changes() | {"cost": {"points": 120.0, "parts": {}}})
    reach = [{"about": "t1", "channel": "sms"}, {"about": "t2", "channel": "email"}, {"about": "e1", "channel": None}]
    gemba.answer("GET", "/notifications/api/reach", {"items": reach})
    done = run("plan", "publish", "c1", "--dry-run")
    assert done.code == 0, done.err
    assert not gemba.of(f"{PLANS}/p1/publish")
    for words in ("1 new, 1 updated, 1 cancelled", "sms", "email", "not known", "120.0 points"):
        assert words in done.out
    gemba.refuse("GET", "/notifications/api/reach", 503, "away", "Not now.")
    assert run("plan", "publish", "c1", "--dry-run", "--json").json["reach"] == {}


def test_a_plan_that_clashes_ends_with_one(gemba: Pretended, run: Run) -> None:
    gemba.answer("GET", f"{COHORTS}/c1/plan", plan())
    gemba.answer("GET", f"{PLANS}/p1/clashes", {"items": []}, {"items": [{"code": "leave", "message": "on leave"}]})
    assert "Nothing stands against" in run("plan", "clashes", "c1").out
    assert run("plan", "clashes", "c1").code == 1


def test_weights_are_shown_and_set(gemba: Pretended, run: Run) -> None:
    item = {"name": "per_km", "points": 2.0, "default": 1.0, "set_for": "country", "meaning": "each road kilometre"}
    gemba.answer("GET", "/scheduler/api/weights", {"items": [item]})
    gemba.answer("PUT", "/scheduler/api/weights", {"items": [item]})
    assert "each road kilometre" in run("plan", "weights", "bd").out
    run("plan", "weights", "bd", "--set", "per_km=2")
    assert gemba.asked[-1].json == {"country": "BD", "cohort_id": None, "weights": {"per_km": 2.0}}
    assert gemba.asked[-1].key


def test_roads_are_shown_given_and_taken_away(gemba: Pretended, run: Run, tmp_path: Path) -> None:
    found = {"country": "BD", "source": "table", "places": 7, "needed": 9, "estimated": 2, "without_row": ["BD-E8"]}
    found |= {"asking": False, "trouble": ""}
    asked = found | {"source": "service", "asking": True, "trouble": "the routing service does not answer"}
    gemba.answer("GET", "/scheduler/api/roads", found | {"source": "estimate", "without_row": []})
    gemba.answer("PUT", "/scheduler/api/roads", found, found, asked)
    assert "estimated: great circle" in run("plan", "roads", "bd").out
    (tmp_path / "roads.json").write_text('{"places": [], "minutes": []}')
    assert "BD-E8 and 1 more" in run("plan", "roads", "bd", str(tmp_path / "roads.json")).out
    assert gemba.asked[-1].json == {"country": "BD", "roads": {"places": [], "minutes": []}, "source": "given"}
    run("plan", "roads", "bd", "--reset")
    assert gemba.asked[-1].json == {"country": "BD", "roads": None, "source": "given"}
    told = run("plan", "roads", "bd", "--service").out
    assert "from the routing service, which is being asked" in told
    assert "does not answer" in told
    assert gemba.asked[-1].json == {"country": "BD", "roads": None, "source": "service"}
    assert run("plan", "roads", "bd", "--service", "--reset").code == 1
    assert run("plan", "roads", "bd", str(tmp_path / "nowhere.json")).code == 3
    (tmp_path / "roads.json").write_text("not JSON")
    assert run("plan", "roads", "bd", str(tmp_path / "roads.json")).code == 1
    assert run("plan", "roads", "bd", str(tmp_path / "roads.json"), "--reset").code == 1


def test_a_repair_is_proposed_shown_and_applied(gemba: Pretended, run: Run) -> None:
    cause = {"kind": "leaves", "who": ANN, "first": "2026-03-01", "last": "2028-03-01", "region": ""}
    found = changes() | {"repair_id": "r1", "state": "proposed", "cause": cause, "country": "BD"}
    found["figures"] |= {"hit": 1, "made_room": 0, "left": 0, "cost_difference": 14.0}
    gemba.answer("POST", "/scheduler/api/repairs", (201, found, {}))
    gemba.answer("GET", "/notifications/api/reach", {"items": []})
    gemba.answer("POST", "/scheduler/api/repairs/r1/apply", found | {"state": "applied"})
    done = run("repair", "propose", "leaves", "--country", "BD", "--who", "BD-T01", "--from", "2026-03-01")
    assert done.code == 0, done.err
    assert "leaves: Ann" in done.out
    assert "14.0 points" in done.out
    assert "repair apply r1" in done.out
    assert "1 visits changed, 3 messages" in run("repair", "apply", "r1").out
    assert run("repair", "propose", "bored", "--country", "BD", "--from", "2026-03-01").code == 2


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (None, ""),
        ({"best": 120.0, "bound": 100.0, "unplaced": 0}, ": best 120, bound 100, gap 16.7 %"),
        ({"best": 100.0, "bound": 100.0, "unplaced": 2}, ": best 100, bound 100, proven best, 2 without a place"),
    ],
)
def test_who_waits_sees_best_bound_and_gap(progress: dict[str, float] | None, told: str) -> None:
    assert how_far(progress) == told


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        trace_svg([], "Plan")
    assert "polyline" in trace_svg([[0.0, 5.0, 5.0, 0.0]], "<Plan> & more")
