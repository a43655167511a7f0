"""`python -m tests.benchmarks.planner.scale [--countries 100] [--work 0.3] [--largest 800] [--out FOLDER]`: how time and memory
grow; `--largest 0` or `--countries 0` leaves one half out, `--largest 2500` takes longer.

Two curves. *One country*, from 25 to 2,500 enterprises: building the tables, the first plan, a fixed work per enterprise, and the
largest resident memory of a process of its own. *Many countries*: so many of 200 enterprises each, planned side by side by one
process per core that takes the next from a queue; every plan is judged by the checker. Each half writes JSON and an SVG plot after
every row, so what was measured is there even when it was stopped.
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
WARM = 20
"""Enterprises of a country that is planned first and not counted: what runs for the first time is compiled by it."""
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
    ask.add_argument("--largest", type=int, default=800, help="enterprises of the largest country, up to 2500")
    ask.add_argument("--out", type=Path, default=Path())
    asked = ask.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    grow(asked.largest, asked.out)
    side_by_side(asked.countries, asked.work, asked.out)


def grow(largest: int, out: Path) -> None:
    """One country after the other, each in a process of its own."""
    rows: list[dict[str, Any]] = []
    lines = {"tables_s": "#15803d", "first_plan_s": "#7c3aed", "solve_cpu_s": "#1d4ed8", "mib": "#b45309"}
    for enterprises in (WARM, *(e for e in ENTERPRISES if e <= largest)) if largest else ():
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            row = fresh.submit(one_country, enterprises).result()
        if enterprises == WARM:
            continue
        rows.append(row)
        print(json.dumps(row, default=float), flush=True)
        written(out, "planner-growth", rows, curve(rows, "enterprises", lines, "One country: time and memory"))


def side_by_side(countries: int, work: float, out: Path) -> None:
    """Many countries, by one process for each core that this one may use."""
    rows: list[dict[str, Any]] = []
    lines = {"elapsed_s": "#1d4ed8", "mib": "#b45309"}
    start, cores = time.monotonic(), len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        for done in pool.map(one_of_many, range(1, countries + 1), [work] * countries):
            rows.append(done | {"countries": len(rows) + 1, "elapsed_s": time.monotonic() - start})
            if len(rows) % 10 == 0 or len(rows) == countries:
                print(json.dumps(rows[-1], default=float), flush=True)
                title = f"Countries of 200 enterprises, on {cores} core{'s' if cores > 1 else ''}"
                written(out, "planner-countries", rows, curve(rows, "countries", lines, title))
    if rows:
        last = rows[-1]
        print(f"{len(rows)} countries in {last['elapsed_s']:.0f} s, {max(m['mib'] for m in rows):.0f} MiB a process, "
              f"{sum(m['broken'] for m in rows)} rules broken, {sum(m['left_out'] for m in rows)} left out", flush=True)  # fmt: skip


def written(out: Path, name: str, rows: list[dict[str, Any]], plot: str) -> None:
    """The figures and their plot, so far."""
    (out / f"{name}.json").write_text(json.dumps(rows, indent=1, default=float) + "\n", "utf-8")
    (out / f"{name}.svg").write_text(plot, "utf-8")


if __name__ == "__main__":
    main()
