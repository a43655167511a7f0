"""A country's roads from a table or from the routing service instead of estimates; plans and repairs made from then on use them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.planning import tasks
from services.scheduler.storage import roads, routing, worlds
from shared.commands import Idempotency, command
from shared.db import Connection
from shared.errors import Rejected, not_found
from shared.ids import new_id

_TOLD = 20
"""Places without a row that are named; more are counted."""


@dataclass(frozen=True, slots=True)
class SetRoads:
    """`document` as `docs/reference/planner-instance.md` describes it; None: estimated again, or `ask` the service."""

    country: str
    countries: frozenset[str]
    document: Mapping[str, Any] | None
    by: UUID | None
    ask: bool = False


async def set_roads(wanted: SetRoads, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """Keep them. Plans that exist are not touched, and become old. Raises `Rejected` 422 with the cell that is wrong.

    A service is asked a moment later, and again whenever a site or a home is new; until it answers, what is there stays.
    """
    if wanted.country not in wanted.countries:
        raise not_found("country")
    if wanted.ask and wanted.document is not None:
        raise Rejected("roads_from_two_sources", 422, "A table is given or asked for, not both.", field="roads")
    if wanted.ask and not deps.settings.routing_url:
        message = "No routing service is set up here: an operator names one with GEMBA_ROUTING_URL."
        raise Rejected("no_routing_service", 422, message, field="source")
    ready = None
    if wanted.document is not None:
        ready, wrong = await deps.planner(tasks.READ_ROADS, dict(wanted.document))
        if ready is None:
            raise Rejected("roads_have_errors", 422, f"The table of roads cannot be used: {wrong}.", field="roads")
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        await worlds.save_world_change(cmd.conn, wanted.country)
        await _set(cmd.conn, wanted, ready, deps.clock.now())
        return await cmd.done(new_id())


async def _set(conn: Connection, wanted: SetRoads, ready: Mapping[str, Any] | None, now: datetime) -> None:
    if wanted.ask:
        await routing.want_routing(conn, wanted.country, by=wanted.by, now=now)
        await routing.ask_routing(conn, wanted.country, "asked for")
        return
    await routing.end_routing(conn, wanted.country)
    if ready is None:
        await roads.delete_roads(conn, wanted.country)
    else:
        await roads.save_roads(conn, wanted.country, ready, by=wanted.by, now=now)


async def show_roads(conn: Connection, country: str, countries: frozenset[str]) -> dict[str, Any]:
    """Where roads come from, and for which sites and homes there are none: theirs are estimated. `trouble`: why the service's
    last answer is missing.
    """
    if country not in countries:
        raise not_found("country")
    row, asked = await roads.get_roads(conn, country), await routing.get_routing(conn, country)
    everywhere = await roads.list_places(conn, country)
    missing = [one["key_name"] for one in everywhere if not one["has_row"]]
    return {
        "country": country,
        "source": "service" if asked else "table" if row else "estimate",
        "places": row["places"] if row else 0,
        "changed_at": row["changed_at"].isoformat() if row else None,
        "needed": len(everywhere),
        "estimated": len(missing),
        "without_row": missing[:_TOLD] if row else [],
        "asking": bool(asked and asked["asking"]),
        "trouble": (asked["trouble"] or "") if asked else "",
    }
