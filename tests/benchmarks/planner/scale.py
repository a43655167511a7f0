"""`python -m tests.benchmarks.planner.scale [--countries 100] [--work 0.3] [--largest 2500] [--out FOLDER]`: how time and memory
grow; `--largest 0` or `--countries 0` leaves one half out.

Two curves. *One country*, from 25 to 2,500 enterprises: building the tables, the first plan, a fixed work per enterprise, and the
largest resident memory of a process of its own. *Many countries*: so many of 200 enterprises each, planned side by side by one
process per core that takes the next from a queue; every plan is judged by the checker. Writes JSON and two SVG plots.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.benchmarks.planner.generator import Size

ENTERPRISES = (25, 50, 100, 200, 400, 800, 1600, 2500)
SEARCHED = 20.0
"""Work for the largest; smaller ones get their share."""


def one_country(enterprises: int) -> dict[str, Any]:
    """One size, in a fresh process: seconds and MiB."""
    from services.scheduler.planner import check, solve
    from services.scheduler.planner.compact import Compact
    from tests.benchmarks.planner.generator import made

    size = Size(
        enterprises,
        max(3, enterprises * 150 // 2500),
        max(2, enterprises // 100),
        44,
        600 if enterprises > 400 else 400,
    )
    instance = made(size, 1)
    start = time.process_time()
    compact = Compact(instance)
    tables = time.process_time() - start
    search = compact.search(1)
    start = time.process_time()
    search.construct()
    first, left = time.process_time() - start, search.left_out()
    del compact, search
    start = time.process_time()
    plan = solve(instance, max_work=SEARCHED * enterprises / ENTERPRISES[-1])
    solved = time.process_time() - start
    broken = len(check(instance, plan))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "enterprises": enterprises, "visits": len(instance.jobs), "trainers": len(instance.trainers), "tables_s": tables,
        "first_plan_s": first, "first_left_out": left, "solve_cpu_s": solved, "mib": memory, "broken": broken,
        "left_out": len(plan.unplaced), "cost": plan.cost, "bound": plan.bound,
    }  # fmt: skip


def one_of_many(seed: int, work: float) -> dict[str, Any]:
    """A country of 200 enterprises, by whichever process is free."""
    from services.scheduler.planner import check, solve
    from tests.benchmarks.planner.generator import SIZES, made

    instance = made(SIZES["M"], seed)
    start, cpu = time.monotonic(), time.process_time()
    plan = solve(instance, seed=seed, max_work=work)
    return {
        "seed": seed, "seconds": time.monotonic() - start, "cpu_s": time.process_time() - cpu, "left_out": len(plan.unplaced),
        "broken": len(check(instance, plan)), "gap": plan.gap, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pid": os.getpid(),
    }  # fmt: skip


def curve(rows: list[dict[str, Any]], x: str, lines: dict[str, str], title: str) -> str:
    """A plot of several columns, each with its own scale written beside its line."""
    width, height, left, top, bottom, right = 760, 420, 60, 40, 50, 200
    last = max(row[x] for row in rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif">',
        f'<title>{title}</title><rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{left}" y="22" font-size="15">{title}</text>',
        f'<path d="M{left} {top}V{height - bottom}H{width - right}" fill="none" stroke="#999"/>',
    ]
    for n in range(5):
        at = left + (width - left - right) * n / 4
        parts.append(
            f'<text x="{at}" y="{height - bottom + 20}" font-size="12" text-anchor="middle">{last * n // 4:,}</text>'
        )
    parts.append(f'<text x="{left + 200}" y="{height - 10}" font-size="13">{x}</text>')
    for n, (column, colour) in enumerate(lines.items()):
        most = max(row[column] for row in rows) or 1.0
        points = " ".join(
            f"{left + (width - left - right) * row[x] / last:.1f},{height - bottom - (height - top - bottom) * row[column] / most:.1f}"
            for row in rows
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        label = f"{column}: up to {most:,.1f}"
        parts.append(
            f'<text x="{width - right + 8}" y="{top + 18 * n + 10}" font-size="12" fill="{colour}">{label}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Run, print, write."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--countries", type=int, default=100)
    ask.add_argument("--work", type=float, default=0.3)
    ask.add_argument("--largest", type=int, default=ENTERPRISES[-1])
    ask.add_argument("--out", type=Path, default=Path())
    asked = ask.parse_args()
    growth = []
    for enterprises in (e for e in ENTERPRISES if e <= asked.largest):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            growth.append(fresh.submit(one_country, enterprises).result())
        print(json.dumps(growth[-1], default=float), flush=True)
    many: list[dict[str, Any]] = []
    start = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for done in pool.map(one_of_many, range(1, asked.countries + 1), [asked.work] * asked.countries):
            many.append(done | {"countries": len(many) + 1, "elapsed_s": time.monotonic() - start})
            if len(many) % 10 == 0:
                print(json.dumps(many[-1], default=float), flush=True)
    if many:
        last = many[-1]
        print(f"{len(many)} countries in {last['elapsed_s']:.0f} s, {max(m['mib'] for m in many):.0f} MiB a process, "
              f"{sum(m['broken'] for m in many)} rules broken, {sum(m['left_out'] for m in many)} left out", flush=True)  # fmt: skip
        lines = {"elapsed_s": "#1d4ed8", "mib": "#b45309"}
        (asked.out / "planner-countries.svg").write_text(
            curve(many, "countries", lines, "Countries of 200 enterprises, side by side")
        )
    if not growth:
        return
    lines = {"tables_s": "#15803d", "first_plan_s": "#7c3aed", "solve_cpu_s": "#1d4ed8", "mib": "#b45309"}
    (asked.out / "planner-growth.svg").write_text(curve(growth, "enterprises", lines, "One country: time and memory"))
    (asked.out / "planner-scale.json").write_text(
        json.dumps({"growth": growth, "many": many}, indent=1, default=float) + "\n"
    )


if __name__ == "__main__":
    main()
