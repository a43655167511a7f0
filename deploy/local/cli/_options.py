"""Options and shapes that all client commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.cli import _complete

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, for programs.")]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait at most.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")]
Country = Annotated[str | None, typer.Option("--country", metavar="CC", help="Of one country, such as BD.")]
CohortId = Annotated[str, typer.Argument(metavar="COHORT", help="Its id.", autocompletion=_complete.cohorts)]
PlanId = Annotated[str, typer.Argument(metavar="PLAN", help="Its id, as `plan history` shows it.")]
VisitId = Annotated[str, typer.Argument(metavar="VISIT", help="Its id.", autocompletion=_complete.visits)]
CaseId = Annotated[str, typer.Argument(metavar="CASE", help="Its id.", autocompletion=_complete.cases)]
ActionId = Annotated[str, typer.Argument(metavar="ACTION", help="Its id.", autocompletion=_complete.actions)]


def group(name: str, help: str) -> typer.Typer:
    """A noun with its verbs, set up as the whole command line is."""
    return typer.Typer(
        name=name,
        help=help,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def examples(*lines: str) -> str:
    """An epilog that keeps its lines; a line that begins with a space continues the one before."""
    shown = (f"  {line}" if line.startswith(" ") else f"  ./gemba {line}" for line in lines)
    return "\b\nExamples:\n" + "\n".join(shown)
