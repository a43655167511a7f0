"""`python -m tests.simulation`: many seeds, on every core; exit code 1 when a promise was broken."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from hashlib import blake2b

from tests.simulation.scenes import SCENES
from tests.simulation.world import Result, simulate


def main() -> int:
    asked = _arguments()
    began = time.monotonic()
    seeds = range(asked.first, asked.first + asked.seeds)
    results = []
    with ProcessPoolExecutor(asked.workers) as workers:
        for result in workers.map(
            partial(simulate, scene=asked.scene), seeds, chunksize=max(1, min(20, asked.seeds // 8))
        ):
            results.append(result)
            if not asked.json:
                _tell(result, asked)
    seconds = time.monotonic() - began
    broken = [result for result in results if result.broken]
    summary = {
        "seeds": asked.seeds,
        "from": asked.first,
        "scene": asked.scene,
        "steps": sum(result.steps for result in results),
        "faults": sum(result.faults for result in results),
        "facts": sum(result.facts for result in results),
        "trace": blake2b("".join(result.trace for result in results).encode(), digest_size=8).hexdigest(),
        "seconds": round(seconds, 1),
        "broken": [result.as_dict() for result in broken],
    }
    if asked.json:
        sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    else:
        sys.stdout.write(
            "{seeds} seeds from {from}: {facts:,} facts, {faults:,} faults, {steps:,} steps in {seconds} s, trace {trace}: ".format(
                **summary
            )
            + (f"{len(broken)} BROKE A PROMISE\n" if broken else "every promise held\n")
        )
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gemba simulate", description=__doc__.split(":", 1)[1])
    parser.add_argument("--seeds", type=int, default=500, help="how many (500)")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first one (0)")
    parser.add_argument("--scene", choices=sorted(SCENES), help="only this kind of work with these faults")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2, help="processes (one for each core)")
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")
    asked = parser.parse_args()
    if asked.seeds < 1 or asked.first < 0 or asked.workers < 1:
        parser.error("--seeds and --workers must be at least 1, --from at least 0")
    return asked


def _tell(result: Result, asked: argparse.Namespace) -> None:
    if asked.seeds <= 10 or result.broken:
        sys.stdout.write(f"seed {result.seed} ({result.kind}): {result.steps:,} steps, trace {result.trace}\n")
    for what in result.broken:
        sys.stdout.write(f"  BROKEN {what}\n")
    if result.broken:
        scene = f" --scene {asked.scene}" if asked.scene else ""
        sys.stdout.write(f"  → again: ./gemba simulate --seeds 1 --from {result.seed}{scene}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
