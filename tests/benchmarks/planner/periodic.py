"""`python -m tests.benchmarks.planner.periodic [p02,p03,…] [--seconds 10] [--seed 1] [--out FILE]`: published instances with
best-known totals, the planner beside PyVRP and OR-Tools routing, all judged by the planner's checker and by its sums.

`--folder` reads other files of Cordeau's format; those that the planner's model cannot say are told with the reason.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.scheduler.planner import Instance, Placement, as_plan, check
from services.scheduler.planner.large import search_large
from tests.benchmarks.planner.cordeau_instance import BEST_KNOWN, FOLDER, NotExpressible, Periodic, instance_of, read
from tests.benchmarks.planner.cordeau_peers import by_ortools, by_pyvrp, placements

Answer = Callable[[Periodic, Instance, float, int], tuple[Placement, ...]]


def ours(_: Periodic, instance: Instance, seconds: float, seed: int) -> tuple[Placement, ...]:
    """The neighbourhood search; its bound is not told here."""
    return search_large(instance, seed=seed, max_work=None, max_seconds=seconds).placements


def pyvrp(problem: Periodic, _: Instance, seconds: float, seed: int) -> tuple[Placement, ...]:
    """PyVRP's."""
    return placements(problem, by_pyvrp(problem, seconds, seed))


def ortools(problem: Periodic, _: Instance, seconds: float, seed: int) -> tuple[Placement, ...]:
    """OR-Tools' routing, which has no seed."""
    return placements(problem, by_ortools(problem, seconds))


SOLVERS: dict[str, Answer] = {"planner": ours, "PyVRP": pyvrp, "OR-Tools routing": ortools}


def one(problem: Periodic, name: str, seconds: float, seed: int) -> dict[str, Any]:
    """A row of the table."""
    row: dict[str, Any] = {"instance": problem.name, "solver": name, "best_known": BEST_KNOWN.get(problem.name)}
    try:
        instance = instance_of(problem)
        begun = time.monotonic()
        plan = as_plan(instance, SOLVERS[name](problem, instance, seconds, seed))
    except NotExpressible as why:
        return row | {"left_out": str(why)}
    except ImportError as missing:
        return row | {"left_out": f"{missing.name} is not installed: see requirements-bench.lock"}
    row |= {"seconds": time.monotonic() - begun, "unplaced": len(plan.unplaced), "km": plan.parts["km"]}
    row["broken"] = sorted({v.constraint for v in check(instance, plan)})
    if row["best_known"] and not plan.unplaced:
        row["gap_percent"] = 100 * (plan.parts["km"] / row["best_known"] - 1)
    return row


def line(row: dict[str, Any]) -> str:
    """For people."""
    head = f"{row['instance']:<5}{row['solver']:<18}"
    if "left_out" in row:
        return f"{head}not expressible: {row['left_out']}"
    gap = f"{row['gap_percent']:+6.2f} %" if "gap_percent" in row else "   –    "
    told = f"{row['km']:>10,.2f} {gap} of {row['best_known'] or '?':>9}, {row['seconds']:5.1f} s"
    return f"{head}{told}, left out {row['unplaced']}, rules broken {', '.join(row['broken']) or 'none'}"


def main() -> None:
    """Run, print, write."""
    ask = argparse.ArgumentParser()
    ask.add_argument("names", nargs="?", default=",".join(BEST_KNOWN))
    ask.add_argument("--seconds", type=float, default=10.0)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--folder", type=Path, default=FOLDER)
    ask.add_argument("--solvers", default=",".join(SOLVERS))
    ask.add_argument("--out", type=Path)
    asked = ask.parse_args()
    rows = []
    for name in asked.names.split(","):
        try:
            problem = read(asked.folder / f"{name}.txt")
        except NotExpressible as why:
            print(f"{name:<5}{why}")
            continue
        for solver in asked.solvers.split(","):
            rows.append(one(problem, solver, asked.seconds, asked.seed))
            print(line(rows[-1]), flush=True)
    if asked.out:
        asked.out.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
