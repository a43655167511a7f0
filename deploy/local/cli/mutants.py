"""``./gemba mutants``: break the code on purpose, one small thing after the other, and see that tests notice."""

from __future__ import annotations

from typing import Annotated

import typer

_EXAMPLES = """Exit code: 0 when every mutant was killed, 1 when one survived, 2 when one no longer fits the code.

Examples:

  ./gemba mutants --quick

  ./gemba mutants no_inbox watermark_skips_a_gap

  ./gemba mutants --list
"""


def register(app: typer.Typer) -> None:
    app.command(epilog=_EXAMPLES)(mutants)


def mutants(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these.")] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Only those of continuous integration.")] = False,
    only_list: Annotated[bool, typer.Option("--list", help="Say what there is, and try nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Apply each mutant to a throw-away copy of the tree, and run the tests that must notice it.

    A mutant that no test notices is a hole in the tests: it fails the run.
    """
    import os
    import sys

    from deploy.local.state import ROOT

    flags = {"--quick": quick, "--list": only_list, "--json": as_json}
    asked = [*(names or []), *(flag for flag, wanted in flags.items() if wanted)]
    os.chdir(ROOT)
    # In this process's place, so that whoever asks this one to stop asks the one that has something to put away.
    os.execv(sys.executable, [sys.executable, "-m", "tests.mutants", *asked])  # noqa: S606 (this Python, and no shell)
