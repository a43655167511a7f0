"""`python -m tests.benchmarks.planner.scale [--countries 100] [--seconds 4] [--largest 2500] [--turn SECONDS] [--out FOLDER]`: how
time and memory grow; `--largest 0` or `--countries 0` leaves one half out.

Two curves. *One country*, from 50 to 2,500 enterprises: building the tables, the first plan, a fixed work per enterprise with the
bound after it, and the largest resident memory of a process of its own. *Many countries*: so many of 200 enterprises each, planned
side by side by one process per core that takes the next from a queue; every plan is judged by the checker. Each half writes JSON
and an SVG plot after every row, and begins where the files of the folder end: after so many seconds (`--turn`) nothing new is
begun, and the same command goes on, with exit status 2 until all is done.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.benchmarks.planner.generator import Size

ENTERPRISES = (50, 100, 200, 400, 800, 1600, 2500)
GROWTH = "One country: processor time and memory, each on its own scale"
MANY = "Countries of 200 enterprises each, side by side, each line on its own scale"
WARM = 20
"""Enterprises of a country that is planned first and not counted: what runs for the first time is compiled by it."""
NAMES = {
    "tables_s": "tables, s", "first_plan_s": "first plan, s", "solve_cpu_s": "plan and bound, s", "mib": "memory, MiB",
    "elapsed_s": "elapsed, s",
}  # fmt: skip
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


def one_of_many(seed: int, seconds: float) -> dict[str, Any]:
    """A country of 200 enterprises, by whichever process is free."""
    from services.scheduler.planner import check, solve
    from tests.benchmarks.planner.generator import SIZES, made

    instance = made(SIZES["M"], seed)
    start, cpu = time.monotonic(), time.process_time()
    plan = solve(instance, seed=seed, max_seconds=seconds)
    return {
        "seed": seed, "seconds": time.monotonic() - start, "cpu_s": time.process_time() - cpu, "left_out": len(plan.unplaced),
        "broken": len(check(instance, plan)), "gap": plan.gap, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pid": os.getpid(),
    }  # fmt: skip


def curve(rows: list[dict[str, Any]], x: str, lines: dict[str, str], title: str) -> str:
    """A plot of several columns, each from 0 to the most that is written beside its colour."""
    width, height, left, top, bottom, right = 760, 420, 60, 40, 50, 210
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
        label = f"{NAMES[column]}: up to {most:,.1f}" if most < 10 else f"{NAMES[column]}: up to {most:,.0f}"
        parts.append(
            f'<text x="{width - right + 8}" y="{top + 18 * n + 10}" font-size="12" fill="{colour}">{label}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Run, print, write."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--countries", type=int, default=100)
    ask.add_argument(
        "--seconds", type=float, default=4.0, help="for each of the many countries, its bound raised beside"
    )
    ask.add_argument("--largest", type=int, default=2500, help="enterprises of the largest country, up to 2500")
    ask.add_argument("--turn", type=float, default=float("inf"), help="seconds after which nothing new is begun")
    ask.add_argument("--out", type=Path, default=Path())
    asked = ask.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    over = time.monotonic() + asked.turn
    done = grow(asked.largest, asked.out, over) and side_by_side(asked.countries, asked.seconds, asked.out, over)
    raise SystemExit(0 if done else 2)


def grow(largest: int, out: Path, over: float) -> bool:
    """One country after the other, each in a process of its own; False when time was up before the last."""
    rows = measured(out, "planner-growth")
    lines = {"tables_s": "#15803d", "first_plan_s": "#7c3aed", "solve_cpu_s": "#1d4ed8", "mib": "#b45309"}
    left = [e for e in ENTERPRISES if e <= largest and e not in {row["enterprises"] for row in rows}]
    for enterprises in (WARM, *left) if left else ():
        if time.monotonic() >= over:
            return False
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            row = fresh.submit(one_country, enterprises).result()
        if enterprises == WARM:
            continue
        rows.append(row)
        print(json.dumps(row, default=float), flush=True)
        written(out, "planner-growth", rows, curve(rows, "enterprises", lines, GROWTH))
    if rows:
        written(out, "planner-growth", rows, curve(rows, "enterprises", lines, GROWTH))
    return True


def side_by_side(countries: int, seconds: float, out: Path, over: float) -> bool:
    """Many countries, by one process for each core that this one may use; False when time was up before the last."""
    rows = measured(out, "planner-countries")
    before = rows[-1]["elapsed_s"] if rows else 0.0
    lines = {"elapsed_s": "#1d4ed8", "mib": "#b45309"}
    start, cores = time.monotonic(), len(os.sched_getaffinity(0))
    waiting = iter(sorted(set(range(1, countries + 1)) - {row["seed"] for row in rows}))
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        running: set[Future[dict[str, Any]]] = set()
        while True:
            while len(running) < cores and time.monotonic() < over and (seed := next(waiting, None)) is not None:
                running.add(pool.submit(one_of_many, seed, seconds))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            elapsed = before + time.monotonic() - start
            rows += [one.result() | {"countries": len(rows) + n, "elapsed_s": elapsed} for n, one in enumerate(done, 1)]
            if len(rows) % 10 == 0:
                print(json.dumps(rows[-1], default=float), flush=True)
            written(out, "planner-countries", rows, curve(rows, "countries", lines, MANY))
    if rows:
        written(out, "planner-countries", rows, curve(rows, "countries", lines, MANY))
        last = rows[-1]
        print(f"{len(rows)} countries in {last['elapsed_s']:.0f} s, {max(m['mib'] for m in rows):.0f} MiB a process, "
              f"{sum(m['broken'] for m in rows)} rules broken, {sum(m['left_out'] for m in rows)} left out", flush=True)  # fmt: skip
    return len(rows) >= countries


def measured(out: Path, name: str) -> list[dict[str, Any]]:
    """What an earlier turn measured."""
    path = out / f"{name}.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else []
    return rows


def written(out: Path, name: str, rows: list[dict[str, Any]], plot: str) -> None:
    """The figures and their plot, so far."""
    (out / f"{name}.json").write_text(json.dumps(rows, indent=1, default=float) + "\n", "utf-8")
    (out / f"{name}.svg").write_text(plot, "utf-8")


if __name__ == "__main__":
    main()
