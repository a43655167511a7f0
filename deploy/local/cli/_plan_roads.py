"""``./gemba plan roads``: a country's times and kilometres by road, from a table or estimated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.local.cli._json_file import read_json
from deploy.local.cli._options import AsJson, examples
from deploy.local.problem import Problem


def add_to(plan: typer.Typer) -> None:
    """A command beside weights."""
    plan.command("roads", epilog=examples("plan roads BD", "plan roads BD roads-bd.json", "plan roads BD --reset"))(
        roads
    )


def roads(
    country: Annotated[str, typer.Argument(metavar="CC", help="Two letters, such as BD.")],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A table as docs/reference/planner-instance.md describes it."),
    ] = None,
    *,
    reset: Annotated[bool, typer.Option("--reset", help="No table: estimated by distance again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show where a country's roads come from, or give it a table; plans made from then on use it.

    Places that the table has no row for are named; their roads are estimated.
    """
    from deploy.local.client import calls
    from deploy.local.client.session import session

    if file is not None and reset:
        raise Problem("A table is given or taken away, not both.", remedy="leave FILE or --reset out")
    with session(as_json=as_json) as gemba:
        if file is not None or reset:
            body = {"country": country.upper(), "roads": None if file is None else read_json(file)}
            found = gemba.client.send(calls.SET_ROADS, body=body)
        else:
            found = gemba.client.send(calls.ROADS, params={"country": country.upper()})
        if as_json:
            gemba.out.document(found)
            return
        without = ", ".join(found["without_row"])
        more = found["estimated"] - len(found["without_row"])
        gemba.out.record([
            ("country", found["country"]),
            ("roads", "from a table" if found["source"] == "table" else "estimated: great circle and a factor"),
            ("places", f"{found['places']} in the table, {found['needed']} sites and homes"),
            ("estimated", f"{found['estimated']} sites and homes"),
            *([("without row", without + (f" and {more} more" if more else ""))] if without else []),
        ])  # fmt: skip
