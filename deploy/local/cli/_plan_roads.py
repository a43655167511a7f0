"""``./gemba plan roads``: a country's times and kilometres by road, from a table, from a routing service, or estimated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.local.cli._json_file import read_json
from deploy.local.cli._options import AsJson, examples
from deploy.local.problem import Problem

_SOURCES = {
    "table": "from a table",
    "service": "from the routing service",
    "estimate": "estimated: great circle and a factor",
}


def add_to(plan: typer.Typer) -> None:
    """A command beside weights."""
    plan.command(
        "roads",
        epilog=examples(
            "plan roads BD", "plan roads BD roads-bd.json", "plan roads BD --service", "plan roads BD --reset"
        ),
    )(roads)


def roads(
    country: Annotated[str, typer.Argument(metavar="CC", help="Two letters, such as BD.")],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A table as docs/reference/planner-instance.md describes it."),
    ] = None,
    *,
    service: Annotated[
        bool,
        typer.Option("--service", help="Ask the routing service (GEMBA_ROUTING_URL), and again for every new place."),
    ] = False,
    reset: Annotated[bool, typer.Option("--reset", help="No table: estimated by distance again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show where a country's roads come from, give it a table, or have a routing service asked; plans made from then on use it.

    Places that the table has no row for are named; their roads are estimated.
    """
    from deploy.local.client import calls
    from deploy.local.client.session import session

    if (file is not None) + reset + service > 1:
        raise Problem(
            "A table is given, asked for or taken away.", remedy="leave all but one of FILE, --service and --reset out"
        )
    with session(as_json=as_json) as gemba:
        if file is not None or reset or service:
            body = {
                "country": country.upper(),
                "roads": None if file is None else read_json(file),
                "source": "service" if service else "given",
            }
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
            ("roads", _SOURCES[found["source"]] + (", which is being asked" if found["asking"] else "")),
            ("places", f"{found['places']} in the table, {found['needed']} sites and homes"),
            ("estimated", f"{found['estimated']} sites and homes"),
            *([("without row", without + (f" and {more} more" if more else ""))] if without else []),
            *([("trouble", found["trouble"])] if found["trouble"] else []),
        ])  # fmt: skip
