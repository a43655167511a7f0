"""`python -m tests.mutants`: apply each mutant to a copy of the tree, and see that the named tests notice it.

Exit code 0 when every mutant was killed, 1 when one survived, 2 for a mutant that no longer fits the code.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from uuid import uuid4

from tests.harness.servers import run_folder, running_servers
from tests.mutants.copy_of_tree import ROOT, CopyOfTree, Run, copies
from tests.mutants.mutant import Mutant, Stale
from tests.mutants.registry import ALL, BY_NAME

_AT_ONCE = 2
_SECONDS = 240.0
_UNMUTATED_SECONDS = 900.0
_PATIENCE = {"GEMBA_TEST_PATIENCE_SECONDS": "10"}
"""How long a test waits for what a mutant keeps from happening; without one it waits as long as it always does."""
_ASSERTED = re.compile(r"^E\s+(assert |AssertionError|Failed: )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`why` is empty when every named test noticed the mutant, at an assertion and for the reason that is meant."""

    mutant: Mutant
    seconds: float
    why: tuple[str, ...]


def main() -> int:
    # As Ctrl-C does, so that everything that is open is closed on the way out.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    asked = _arguments()
    chosen = _chosen(asked)
    if asked.list:
        _list(chosen, as_json=asked.json)
        return 0
    if stale := _stale(chosen):
        sys.stderr.write("\n".join(["gemba mutants: these no longer fit the code:", *stale]) + "\n")
        return 2
    began = time.monotonic()
    with _servers(chosen) as environment, copies(min(_AT_ONCE, len(chosen)), environment) as trees:
        if failed := _failing_unmutated(trees, chosen):
            sys.stderr.write("\n".join(["gemba mutants: these tests fail without any mutant:", *failed]) + "\n")
            return 1
        if not asked.json:
            sys.stdout.write(f"without a mutant every killer passes ({time.monotonic() - began:.0f} s)\n")
            sys.stdout.flush()
        outcomes = _try_all(chosen, trees, quiet=asked.json)
    survivors = [outcome for outcome in outcomes if outcome.why]
    seconds = time.monotonic() - began
    if asked.json:
        sys.stdout.write(json.dumps(_document(outcomes, seconds), indent=2) + "\n")
    else:
        told = (
            f"{len(survivors)} SURVIVED: {', '.join(one.mutant.name for one in survivors)}"
            if survivors
            else "all killed"
        )
        sys.stdout.write(f"{len(outcomes)} mutants in {seconds:.0f} s: {told}\n")
    return 1 if survivors else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gemba mutants", description=__doc__.split(":", 1)[1])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (all)")
    parser.add_argument("--quick", action="store_true", help="only those of continuous integration")
    parser.add_argument("--list", action="store_true", help="say what there is, and try nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")
    return parser.parse_args()


def _chosen(asked: argparse.Namespace) -> list[Mutant]:
    if unknown := sorted(set(asked.names) - set(BY_NAME)):
        sys.stderr.write(f"gemba mutants: no mutant is named {', '.join(unknown)}; `gemba mutants --list` shows them\n")
        sys.exit(2)
    named = [BY_NAME[name] for name in asked.names] or list(ALL)
    return [mutant for mutant in named if mutant.quick or not asked.quick]


def _list(chosen: Sequence[Mutant], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "name": one.name,
                "opens": one.opens,
                "quick": one.quick,
                "killers": [killer.test for killer in one.killers],
            }
            for one in chosen
        ]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    for mutant in chosen:
        sys.stdout.write(f"{mutant.name}{'' if mutant.quick else '  (not quick)'}\n    {mutant.opens}\n")
        sys.stdout.writelines(f"      killed by {killer.test}\n" for killer in mutant.killers)


def _stale(chosen: Sequence[Mutant]) -> list[str]:
    found = []
    for mutant in chosen:
        for path in dict.fromkeys(edit.path for edit in mutant.edits):
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / path
                copy.parent.mkdir(parents=True)
                copy.write_bytes((ROOT / path).read_bytes() if (ROOT / path).exists() else b"")
                try:
                    for edit in mutant.edits:
                        if edit.path == path:
                            edit.apply(Path(folder))
                    compile(copy.read_text(encoding="utf-8"), path, "exec")
                except (Stale, SyntaxError) as fault:
                    found.append(f"  {mutant.name}: {fault}")
    return found


@contextmanager
def _servers(chosen: Sequence[Mutant]) -> Iterator[dict[str, str]]:
    """One PostgreSQL and one Kafka for the whole run; tests of every copy find them by the run's id."""
    run = f"mutants-{uuid4().hex[:12]}"
    environment = {"PYTEST_XDIST_TESTRUNUID": run}
    if not any("/integration/" in killer.test for mutant in chosen for killer in mutant.killers):
        yield environment
        return
    os.environ["PYTEST_XDIST_TESTRUNUID"] = run
    with running_servers(run_folder()):
        yield environment


def _failing_unmutated(trees: Sequence[CopyOfTree], chosen: Sequence[Mutant]) -> list[str]:
    """Every killer once without a mutant, shared out over the copies; what fails may show once more, alone, that it can pass."""
    tests = list(dict.fromkeys(killer.test for mutant in chosen for killer in mutant.killers))
    shares = [tests[number :: len(trees)] for number in range(len(trees))]
    with _workers(trees) as workers:
        runs = list(workers.map(_run_unmutated, trees, shares))
    doubtful = [test for run, share in zip(runs, shares, strict=True) for test in _not_passed(run, share)]
    if not doubtful:
        return []
    again = _run_unmutated(trees[0], doubtful)
    failed = _not_passed(again, doubtful)
    return [*(f"  {test}: {outcome}" for test, outcome in failed.items()), again.tail] if failed else []


def _run_unmutated(tree: CopyOfTree, tests: Sequence[str]) -> Run:
    return tree.run(tests, seconds=_UNMUTATED_SECONDS, environment={})


def _not_passed(run: Run, tests: Sequence[str]) -> dict[str, str]:
    outcomes = {test: run.verdicts.get(test, {}).get("outcome", "did not run") for test in tests}
    return {test: outcome for test, outcome in outcomes.items() if outcome != "passed"}


def _try_all(chosen: Sequence[Mutant], trees: Sequence[CopyOfTree], *, quiet: bool) -> list[Outcome]:
    free: SimpleQueue[CopyOfTree] = SimpleQueue()
    for tree in trees:
        free.put(tree)

    def attempt(mutant: Mutant) -> Outcome:
        tree = free.get()
        try:
            outcome = _try(mutant, tree)
        finally:
            free.put(tree)
        if not quiet:
            _tell(outcome)
        return outcome

    with _workers(trees) as workers:
        return list(workers.map(attempt, chosen))


@contextmanager
def _workers(trees: Sequence[CopyOfTree]) -> Iterator[ThreadPoolExecutor]:
    """One for each copy. Whoever leaves before they are done ends what they run: they would be waited for."""
    with ThreadPoolExecutor(len(trees)) as workers:
        try:
            yield workers
        except BaseException:
            for tree in trees:
                tree.break_off()
            raise


def _try(mutant: Mutant, tree: CopyOfTree) -> Outcome:
    """A run that came to no verdict, as on a machine that is much too busy, is made once more; a test that passed is not."""
    began = time.monotonic()
    tests = [killer.test for killer in mutant.killers]
    with tree.mutated(mutant.edits):
        run = tree.run(tests, seconds=_SECONDS, environment=_PATIENCE)
        if any(run.verdicts.get(test, {}).get("when") != "call" for test in tests):
            run = tree.run(tests, seconds=_SECONDS, environment=_PATIENCE)
    why = [said for killer in mutant.killers if (said := _survived(run, killer.test, killer.because))]
    return Outcome(mutant, time.monotonic() - began, tuple(why))


def _survived(run: Run, test: str, because: str) -> str:
    verdict = run.verdicts.get(test)
    if verdict is None:
        return f"{test}: {'was still running when its time was over' if run.too_long else 'did not run: ' + run.tail[-600:]}"
    if verdict["outcome"] != "failed":
        return f"{test}: {verdict['outcome']}"
    if verdict["when"] != "call":
        return f"{test}: failed in its {verdict['when']}, not in what it asserts: {verdict['text'][-600:]}"
    if not _ASSERTED.search(verdict["text"]) and not because:
        return f"{test}: did not fail at an assertion: {verdict['text'][-900:]}"
    if because not in verdict["text"]:
        return f"{test}: failed for another reason than {because!r}: {verdict['text'][-900:]}"
    return ""


def _tell(outcome: Outcome) -> None:
    mark = "SURVIVED" if outcome.why else "killed  "
    sys.stdout.write(f"{mark} {outcome.seconds:5.1f} s  {outcome.mutant.name}\n")
    sys.stdout.writelines(f"      {line}\n" for why in outcome.why for line in why.splitlines())
    sys.stdout.flush()


def _document(outcomes: Sequence[Outcome], seconds: float) -> dict[str, object]:
    return {
        "mutants": len(outcomes),
        "survived": [outcome.mutant.name for outcome in outcomes if outcome.why],
        "seconds": round(seconds, 1),
        "outcomes": [
            {
                "name": outcome.mutant.name,
                "killed": not outcome.why,
                "seconds": round(outcome.seconds, 1),
                "killers": [killer.test for killer in outcome.mutant.killers],
                "why": list(outcome.why),
            }
            for outcome in outcomes
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
