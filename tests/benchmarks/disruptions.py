"""A thousand disruptions in a row on a national plan: is it valid after each, and how far does it drift?

    .venv/bin/python -m tests.benchmarks.disruptions [--enterprises 200] [--trainers 20] [--count 1000] [--seed 1] [--every 1]

Prints a table and, with --json FILE, writes it. Drift is what the plan costs above one made afresh for the world as it
is at the end, by the same solver with the same seconds as the first one had. Ends with 1 when any plan was not valid, and with 2
when a turn was over before the campaign was.
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from services.scheduler.planner import Instance, Placement, Plan, as_plan, check, solve
from tests.harness.disruptions import Happened, Outcome, happen, outcome_of, summed
from tests.harness.nation import nation, quick_plan

SEGMENT = 25
"""Disruptions from one seed; between two segments the state can be kept."""


def fresh(instance: Instance, seconds: float) -> Plan:
    """What the solver finds in so many seconds; the quick start with none."""
    if not seconds:
        return as_plan(instance, quick_plan(instance))
    return solve(instance, max_seconds=seconds)


def main() -> int:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    wanted.add_argument("--enterprises", type=int, default=200)
    wanted.add_argument("--trainers", type=int, default=20)
    wanted.add_argument("--count", type=int, default=1000)
    wanted.add_argument("--seed", type=int, default=1)
    wanted.add_argument("--every", type=int, default=1, help="the checker judges the plan after so many disruptions")
    wanted.add_argument(
        "--seconds", type=float, default=10.0, help="for the first plan and for the fresh one; 0: quick start"
    )
    wanted.add_argument("--state", type=Path, help="kept between turns; without it one turn must be enough")
    wanted.add_argument("--turn", type=float, default=1e9, help="seconds after which it stops and keeps its state")
    wanted.add_argument("--json", type=Path)
    asked = wanted.parse_args()

    began = time.monotonic()
    state = _begun(asked)
    while len(state.happened) < asked.count and time.monotonic() - began < asked.turn:
        number = len(state.happened)
        for one in happen(
            state.instance, state.placements, min(SEGMENT, asked.count - number), seed=asked.seed + number
        ):
            state.take(one)
            if len(state.happened) % asked.every == 0 or len(state.happened) == asked.count:
                _judge(state)
        if asked.state:
            asked.state.write_bytes(pickle.dumps(state))
    if len(state.happened) < asked.count:
        sys.stdout.write(f"{len(state.happened)} of {asked.count} so far; the same command goes on\n")
        return 2
    return _report(asked, state)


def _judge(state: State) -> None:
    """Ask the checker, and count and say what it found."""
    state.judged += 1
    found = check(state.instance, as_plan(state.instance, state.placements))
    state.invalid += bool(found)
    for violation in found[:3]:
        sys.stderr.write(f"after {len(state.happened)}: {violation.constraint}: {violation.text}\n")


@dataclass(slots=True)
class State:
    """A campaign as far as it is."""

    instance: Instance
    placements: tuple[Placement, ...]
    first_cost: float
    happened: list[Outcome]
    judged: int = 0
    invalid: int = 0

    def take(self, one: Happened) -> None:
        """The plan is now what the repair left."""
        self.instance, self.placements = one.result.instance, one.result.placements
        self.happened.append(outcome_of(one))


def _begun(asked: argparse.Namespace) -> State:
    if asked.state and asked.state.exists():
        return cast("State", pickle.loads(asked.state.read_bytes()))
    instance = nation(asked.enterprises, asked.trainers, seed=asked.seed)
    first = fresh(instance, asked.seconds)
    return State(instance, first.placements, first.cost, [])


def _report(asked: argparse.Namespace, state: State) -> int:
    instance, last, invalid = state.instance, state.placements, state.invalid
    kept, anew = as_plan(instance, last), fresh(instance, asked.seconds)
    table = {
        "enterprises": asked.enterprises,
        "trainers": asked.trainers,
        **summed(state.happened),
        "plans that the checker judged": state.judged,
        "plans that were not valid": invalid,
        "visits at the end": len(instance.jobs),
        "without a place, kept plan": len(kept.unplaced),
        "without a place, fresh plan": len(anew.unplaced),
        "cost at first": state.first_cost,
        "cost of the kept plan": kept.cost,
        "cost of a fresh plan": anew.cost,
        "drift %": 100 * (kept.cost / anew.cost - 1) if anew.cost else 0.0,
    }
    for name, value in table.items():
        shown = f"{value:>14,.1f}" if isinstance(value, float) else f"{value:>14,}"
        sys.stdout.write(f"{name:<32}{shown}\n")
    if asked.json:
        asked.json.write_text(json.dumps(table, indent=2) + "\n", "utf-8")
    return 1 if invalid else 0


if __name__ == "__main__":
    sys.exit(main())
