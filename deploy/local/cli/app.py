"""Assemble the command line from the modules of this folder; turn problems into sentences.

Exit codes: 0 done, 1 something is wrong and said, 2 wrong usage, 3 not found, 4 not allowed, 5 cannot
be reached, 130 interrupted (docs/reference/exit-codes.md).
"""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import typer

from deploy.local.problem import Problem

_HERE = Path(__file__).parent
INTERRUPTED = 130


def make_app() -> typer.Typer:
    """The whole command line; every module here but this one registers its commands."""
    app = typer.Typer(
        name="gemba",
        help="Plan training visits, report them, follow up what was found. "
        "Start with `./gemba demo`, or `./gemba up` for real use.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for module in sorted(pkgutil.iter_modules([str(_HERE)]), key=lambda found: found.name):
        if module.name != "app" and not module.name.startswith("_"):
            import_module(f"deploy.local.cli.{module.name}").register(app)
    return app


def main() -> None:
    """Run the command that was given; the only place that ends the process."""
    try:
        make_app()(prog_name="gemba")
    except Problem as problem:
        sys.stderr.write(f"gemba: {problem}\n")
        if problem.remedy:
            sys.stderr.write(f"  → {problem.remedy}\n")
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("\ngemba: interrupted\n")
        sys.exit(INTERRUPTED)
