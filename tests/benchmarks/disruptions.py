"""A thousand disruptions in a row on a national plan: is it valid after each, and how far does it drift?

    .venv/bin/python -m tests.benchmarks.disruptions [--enterprises 200] [--trainers 20] [--count 1000] [--seed 1]

Prints a table and, with --json FILE, writes it. Drift is what the plan costs above one made afresh for the world as it
is at the end, by the same solver with the same seconds as the first one had. Ends with 1 when any plan was not valid.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from services.scheduler.planner import Instance, Plan, as_plan, check, solve
from tests.harness.disruptions import happen, summed
from tests.harness.nation import nation, quick_plan


def fresh(instance: Instance, seconds: float) -> Plan:
    """The best of what the solver and the quick start find."""
    start = as_plan(instance, quick_plan(instance))
    if not seconds:
        return start
    found = solve(instance, max_seconds=seconds)
    return min((start, found), key=lambda p: p.cost)


def main() -> int:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    wanted.add_argument("--enterprises", type=int, default=200)
    wanted.add_argument("--trainers", type=int, default=20)
    wanted.add_argument("--count", type=int, default=1000)
    wanted.add_argument("--seed", type=int, default=1)
    wanted.add_argument(
        "--seconds", type=float, default=10.0, help="for the first plan and for the fresh one; 0: quick start"
    )
    wanted.add_argument("--check-every", type=int, default=1)
    wanted.add_argument("--json", type=Path)
    asked = wanted.parse_args()

    instance = nation(asked.enterprises, asked.trainers, seed=asked.seed)
    first = fresh(instance, asked.seconds)
    happened, invalid, last = [], 0, first.placements
    begun = time.perf_counter()
    for number, one in enumerate(happen(instance, first.placements, asked.count, seed=asked.seed)):
        happened.append(one)
        instance, last = one.result.instance, one.result.placements
        if number % asked.check_every == 0 or number == asked.count - 1:
            found = check(instance, as_plan(instance, last))
            invalid += bool(found)
            for violation in found[:3]:
                sys.stderr.write(f"after {number + 1} ({one.name}): {violation.constraint}: {violation.text}\n")
    kept, anew = as_plan(instance, last), fresh(instance, asked.seconds)
    table = {
        "enterprises": asked.enterprises,
        "trainers": asked.trainers,
        **summed(happened),
        "plans that were not valid": invalid,
        "visits at the end": len(instance.jobs),
        "without a place, kept plan": len(kept.unplaced),
        "without a place, fresh plan": len(anew.unplaced),
        "cost at first": first.cost,
        "cost of the kept plan": kept.cost,
        "cost of a fresh plan": anew.cost,
        "drift %": 100 * (kept.cost / anew.cost - 1) if anew.cost else 0.0,
        "seconds in all": time.perf_counter() - begun,
    }
    for name, value in table.items():
        shown = f"{value:>14,.1f}" if isinstance(value, float) else f"{value:>14,}"
        sys.stdout.write(f"{name:<32}{shown}\n")
    if asked.json:
        asked.json.write_text(json.dumps(table, indent=2) + "\n", "utf-8")
    return 1 if invalid else 0


if __name__ == "__main__":
    sys.exit(main())
