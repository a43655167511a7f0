"""``./gemba plan weights``: what a point is worth, for a country or a cohort."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.cli._options import AsJson, examples


def add_to(plan: typer.Typer) -> None:
    """A command beside show, publish and again."""
    plan.command(
        "weights",
        epilog=examples(
            "plan weights BD",
            "plan weights BD --set per_km=0.5 --set per_night_away=200",
            "plan weights BD --cohort 0198c3… --reset",
        ),
    )(weights)


def weights(
    country: Annotated[str, typer.Argument(metavar="CC", help="Two letters, such as BD.")],
    *,
    cohort: Annotated[str | None, typer.Option("--cohort", metavar="COHORT", help="Of one cohort.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=POINTS", help="Replaces what was set; again for each.")
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Nothing set: the country's, or the defaults, count again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What a point is worth in plans of a country or a cohort; plans made from then on use it."""
    from deploy.local.client import calls
    from deploy.local.client.output import Column
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        if set_ or reset:
            body = {"country": country.upper(), "cohort_id": cohort, "weights": {} if reset else points(set_ or [])}
            found = gemba.client.send(calls.SET_WEIGHTS, body=body)
        else:
            found = gemba.client.send(calls.WEIGHTS, params={"country": country.upper(), "cohort": cohort})
        columns = [
            Column("WEIGHT", "name"),
            Column("POINTS", "points"),
            Column("SET FOR", "set_for"),
            Column("FOR", "meaning", wraps=True),
        ]
        if as_json:
            gemba.out.document(found)
        else:
            gemba.out.table(found["items"], columns)


def points(given: list[str]) -> dict[str, float]:
    """`per_km=2` and the like. Raises the option parser's own error, with exit code 2."""
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            msg = f"“{text}” is no weight; right is a name and points, such as per_km=2"
            raise typer.BadParameter(msg) from None
    return found
