"""`GEMBA_PLANNER_REFERENCE=… python -m tests.benchmarks.planner.compare S,M,L [--seeds 1,2] [--out FILE]`: the search beside the
reference solvers, on their instances, their model and their checker, in one run.

With `--processor` both sides get seconds of processor time instead of wall time, for a machine that others use too.

S: the optimum and its proof. M: after 10 and 60 seconds, against the linear relaxation by HiGHS (interior point). L: the plan at
once, and after 60 seconds. Compiling is not counted on either side; both are warm. Needs `requirements-bench.lock`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from services.scheduler.planner.search.dual import Dual
from services.scheduler.planner.search.exact import Exact
from services.scheduler.planner.search.run import Search, schedule_for
from tests.benchmarks.planner.reference_model import answer, constant, problem_of, reference

SECONDS = {"M": (10.0, 60.0), "L": (60.0,)}
POLISHED = 0.3
"""Of a budget on M, what exact models get."""
Row = dict[str, Any]


def _judged(instance: Any, trainer: Any, day: Any) -> float:
    cost, _, violations = reference().check(instance, trainer, day)
    if violations:
        raise SystemExit(f"the reference's checker found {violations[:3]}")
    return float(cost)


def by_processor_time() -> None:
    """Both sides read their clocks from the process's own time."""
    import search

    from services.scheduler.planner.search import budget, dual, run

    for module in (budget, dual, run):
        module.monotonic = time.process_time  # type: ignore[attr-defined]
    search.time = SimpleNamespace(time=time.process_time)
    time.monotonic = time.process_time


def warm() -> None:
    """Compile both sides."""
    ours(reference().make("S", 1), 0.05)
    Dual(problem_of(reference().make("S", 1)))
    theirs(reference().make("S", 1), 0.05)


def ours(instance: Any, seconds: float, workers: int = 1) -> tuple[float, dict[str, Any]]:
    """The search, everything from the arrays on counted; how long until everything was placed."""
    start = time.monotonic()
    problem = problem_of(instance)
    schedule = replace(schedule_for(problem), polished=POLISHED if instance["size"] == "M" else 0.0)
    search = Search(problem, slots=2, enterprises=1, seed=1, schedule=schedule)
    placed_at: list[float] = []

    def look(_: float) -> None:
        if not placed_at and not search.left_out():
            placed_at.append(time.monotonic() - start)

    look(search.construct())
    found = search.improve(seconds=max(0.01, seconds - (time.monotonic() - start)), workers=workers, tell=look)
    more = {"moves": found.moves, "all_placed_after": placed_at[0] if placed_at else None}
    return _judged(instance, *answer(instance, found)), more


def theirs(instance: Any, seconds: float) -> float:
    """The reference's neighbourhood search."""
    import search

    trainer, day, _ = search.solve(instance, seconds)
    return _judged(instance, trainer, day)


def small(seed: int) -> list[Row]:
    """The optimum, and its proof."""
    instance = reference().make("S", seed)
    start = time.monotonic()
    problem = problem_of(instance)
    found_by = Search(problem, slots=2, enterprises=1, seed=1)
    found_by.construct()
    first = found_by.improve(seconds=0.3)
    by_search = _judged(instance, *answer(instance, first))
    exact = Exact(problem)
    exact.hint(first.placed)
    placed, bound, proven = exact.solve(seconds=60)
    taken = time.monotonic() - start
    if placed is not None:
        first.placed[:] = placed
    cost = _judged(instance, *answer(instance, first))
    print(
        f"S {seed}: {cost:,.0f} {'proven' if proven else 'not proven'} after {taken:.1f} s; search alone {by_search:,.0f}",
        flush=True,
    )
    mine = {
        "who": "ours, search then exact",
        "cost": cost,
        "bound": bound + constant(instance),
        "seconds": taken,
        "proven": proven,
    }
    start = time.monotonic()
    peer = _peer("cpsat", f"""
import sys, time, json, cpsat, instances
from ortools.sat.python import cp_model
I = instances.make('S', {seed}); m, x, z, cand, info = cpsat.build(I)
s = cp_model.CpSolver(); s.parameters.num_workers = 2; s.parameters.max_time_in_seconds = 90
status = s.solve(m); tr, day = cpsat.extract(s, I, x, z, cand)
print(json.dumps(dict(cost=float(instances.check(I, tr, day)[0]), bound=s.best_objective_bound, proven=status == cp_model.OPTIMAL)))
""")  # fmt: skip
    theirs_row = json.loads(peer.splitlines()[-1]) | {
        "who": "reference, CP-SAT, 2 workers",
        "seconds": time.monotonic() - start,
    }
    other = {"who": "reference, search 1 s", "cost": theirs(instance, 1.0), "seconds": 1.0}
    return [{"size": "S", "seed": seed, **row} for row in (mine, theirs_row, other)]


def _peer(name: str, code: str) -> str:
    folder = os.environ["GEMBA_PLANNER_REFERENCE"]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {folder!r})\n{code}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"the reference's {name} failed: {done.stderr[-500:]}")
    return done.stdout


def linear_bound(size: str, seed: int) -> float:
    """The linear relaxation of the whole model, by the reference's own program."""
    told = _peer("lp_bound", f"import lp_bound, instances\nlp_bound.lp(instances.make({size!r}, {seed}), 280)\n")
    found = re.search(r"status (\w+) obj ([-\d.e+]+)", told)
    if found is None or found.group(1) != "Optimal":
        raise SystemExit(f"no linear bound: {told}")
    return float(found.group(2))


def larger(size: str, seed: int, bound: float | None, workers: int) -> list[Row]:
    """Ours and theirs after the same seconds."""
    instance = reference().make(size, seed)
    start = time.monotonic()
    dual = Dual(problem_of(instance))
    quick, quick_seconds = dual.best + constant(instance), time.monotonic() - start
    rows: list[Row] = [{"who": "our bound at once", "bound": quick, "seconds": quick_seconds}]
    for seconds in SECONDS[size]:
        cost, more = ours(instance, seconds, workers)
        who = f"ours, search, {workers} workers" if workers > 1 else "ours, search"
        rows.append({"who": who, "cost": cost, "seconds": seconds, **more})
        show([{"size": size, "seed": seed, **rows[-1]}])
        rows.append({"who": "reference, search", "cost": theirs(instance, seconds), "seconds": seconds})
        show([{"size": size, "seed": seed, **rows[-1]}])
    start = time.monotonic()
    best = min(row["cost"] for row in rows if "cost" in row)
    raised = dual.raise_to(best - constant(instance), steps=400, seconds=60) + constant(instance)
    rows.append({"who": "our bound, raised", "bound": raised, "seconds": time.monotonic() - start})
    if bound is not None:
        rows.append({"who": "linear relaxation, HiGHS", "bound": bound})
    strongest = max(row["bound"] for row in rows if "bound" in row)
    for row in rows:
        row |= {"size": size, "seed": seed}
        if "cost" in row:
            row["above_bound"] = row["cost"] / strongest - 1
    return rows


def show(rows: list[Row]) -> None:
    """One line a row."""
    for row in rows:
        cost = f"{row['cost']:>11,.0f}" if "cost" in row else " " * 11
        bound = f"{row['bound']:>11,.0f}" if "bound" in row else " " * 11
        gap = f"{row['above_bound']:>8.2%}" if "above_bound" in row else " " * 8
        took = f"{row['seconds']:>7.1f} s" if "seconds" in row else " " * 9
        more = f"  all placed after {row['all_placed_after']:.1f} s" if row.get("all_placed_after") else ""
        more += "  proven" if row.get("proven") else ""
        print(f"{row['size']} {row['seed']}  {row['who']:<30}{took}{cost}{bound}{gap}{more}", flush=True)


def main() -> None:
    """Run, print, write."""
    ask = argparse.ArgumentParser()
    ask.add_argument("sizes")
    ask.add_argument("--seeds", default="1,2")
    ask.add_argument("--linear", action="store_true", help="the linear relaxation for M (a minute or more each)")
    ask.add_argument("--processor", action="store_true", help="seconds of processor time on both sides")
    ask.add_argument("--workers", type=int, default=1, help="processors that our search uses for M and L")
    ask.add_argument("--seconds", help="other budgets, such as 10 or 10,60")
    ask.add_argument("--out", type=Path)
    asked = ask.parse_args()
    reference()
    if asked.processor and asked.workers > 1:
        raise SystemExit("Several workers are measured in wall time: leave --processor out.")
    if asked.processor:
        by_processor_time()
    if asked.seconds:
        SECONDS.update(dict.fromkeys(SECONDS, tuple(map(float, asked.seconds.split(",")))))
    warm()
    rows: list[Row] = []
    for size in asked.sizes.split(","):
        for seed in map(int, asked.seeds.split(",")):
            bound = linear_bound(size, seed) if asked.linear and size == "M" else None
            mine = small(seed) if size == "S" else larger(size, seed, bound, asked.workers)
            show(mine)
            rows += mine
    if asked.out:
        asked.out.write_text(json.dumps(rows, indent=1, default=float) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
