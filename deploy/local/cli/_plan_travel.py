"""``--travel`` of ``./gemba plan solve`` and ``check``: roads from a file or from a routing service, instead of an instance's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.local.cli._json_file import read_json
from deploy.local.problem import Problem

if TYPE_CHECKING:
    from services.scheduler.planner import Instance

_FORMAT = "docs/reference/planner-instance.md"

Roads = Annotated[
    str | None,
    typer.Option(
        "--travel",
        metavar="FILE|URL",
        help="Times and kilometres by road: a table in JSON, or a service that speaks OSRM's protocol.",
    ),
]


def by_road(instance: Instance, travel: str) -> Instance:
    """The same question with the roads of a file or a service. Raises Problem."""
    from dataclasses import replace

    from services.scheduler.planner.travel_table import matrix_of

    document = _ask(instance, travel) if "://" in travel else read_json(Path(travel))
    try:
        return replace(instance, travel=replace(instance.travel, matrix=matrix_of(document)))
    except ValueError as wrong:
        raise Problem(f"{travel}: {wrong}.", remedy=f"the format is in {_FORMAT}") from None


def _ask(instance: Instance, url: str) -> dict[str, Any]:
    """The service's table for every place of the instance; what it has no road for is estimated."""
    import asyncio

    from services.scheduler.planner.travel import PLACES_AGREE
    from services.scheduler.routing import RoutingRefused, ask_table, check_routing_url
    from shared.errors import Transient

    driven_to = [
        *(t.home for t in instance.trainers),
        *(e.position for e in instance.enterprises),
        *(j.venue for j in instance.jobs if j.venue),
        *(b.position for b in instance.booked if b.position),
    ]
    places = list(dict.fromkeys((round(at.lat, PLACES_AGREE), round(at.lon, PLACES_AGREE)) for at in driven_to))
    try:
        table = asyncio.run(ask_table(check_routing_url(url), places))
    except (ValueError, RoutingRefused, Transient) as wrong:
        remedy = "--travel takes the address of a service such as osrm-routed, or a file"
        raise Problem(f"{url}: {wrong}.", remedy=remedy) from None
    return table | {"missing": "estimate"}
