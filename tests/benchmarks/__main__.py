"""`python -m tests.benchmarks`: what `./gemba bench` runs."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import Any

from tests.benchmarks.catalogue import BENCHMARKS, Benchmark
from tests.benchmarks.figures import Row, table
from tests.benchmarks.stage import Stage, how_busy, set_up


def main() -> int:
    asked = _asked(sys.argv[1:])
    if asked.list:
        for name, known in BENCHMARKS.items():
            print(f"  {name:<12} {known.summary} (--size {known.size:,}: {known.unit})")
        return 0
    chosen = [BENCHMARKS[asked.name]] if asked.name else list(BENCHMARKS.values())
    done: list[dict[str, Any]] = []
    shown: list[Row] = []
    with set_up() as stage:
        for benchmark in chosen:
            busy, rows, seconds = _run(benchmark, stage, asked.size or benchmark.size)
            shown += rows
            done.append(
                {
                    "name": benchmark.name,
                    "size": asked.size or benchmark.size,
                    "seconds": round(seconds, 1),
                    "machine_before": busy,
                    "rows": [row.as_json() for row in rows],
                }
            )
            print(
                f"{benchmark.name}: {seconds:.0f} s; before it {busy['busy']:.0%} of {busy['processors']:.0f} processors"
                f" were busy with other work, load {busy['load']}",
                file=sys.stderr,
            )
    if asked.json:
        print(json.dumps({"benchmarks": done}, indent=2))
    else:
        print(table(shown))
    missed = [row for row in shown if row.met is False]
    return 1 if asked.compare and missed else 0


def _run(benchmark: Benchmark, stage: Stage, size: int) -> tuple[dict[str, float], list[Row], float]:
    busy = how_busy()
    start = time.monotonic()
    rows = asyncio.run(benchmark.measure(stage, size))
    return busy, rows, time.monotonic() - start


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gemba bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=[*BENCHMARKS], metavar="NAME")
    parser.add_argument("--size", type=int)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.size is not None and asked.size < 100:
        parser.error("--size must be 100 or more: less says nothing")
    return asked


if __name__ == "__main__":
    sys.exit(main())
