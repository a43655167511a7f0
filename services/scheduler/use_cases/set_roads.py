"""A country's roads from a table instead of estimates; plans and repairs made from then on use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.planning import tasks
from services.scheduler.storage import roads, worlds
from shared.commands import Idempotency, command
from shared.db import Connection
from shared.errors import Rejected, not_found
from shared.ids import new_id

_TOLD = 20
"""Places without a row that are named; more are counted."""


@dataclass(frozen=True, slots=True)
class SetRoads:
    """`document` as `docs/reference/planner-instance.md` describes it; None: estimated again."""

    country: str
    countries: frozenset[str]
    document: Mapping[str, Any] | None
    by: UUID | None


async def set_roads(wanted: SetRoads, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """Keep them. Plans that exist are not touched, and become old. Raises `Rejected` 422 with the cell that is wrong."""
    if wanted.country not in wanted.countries:
        raise not_found("country")
    ready = None
    if wanted.document is not None:
        ready, wrong = await deps.planner(tasks.READ_ROADS, dict(wanted.document))
        if ready is None:
            raise Rejected("roads_have_errors", 422, f"The table of roads cannot be used: {wrong}.", field="roads")
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        await worlds.save_world_change(cmd.conn, wanted.country)
        if ready is None:
            await roads.delete_roads(cmd.conn, wanted.country)
        else:
            await roads.save_roads(cmd.conn, wanted.country, ready, by=wanted.by, now=deps.clock.now())
        return await cmd.done(new_id())


async def show_roads(conn: Connection, country: str, countries: frozenset[str]) -> dict[str, Any]:
    """Whether there is a table, and which sites and homes have no row in it: their roads are estimated."""
    if country not in countries:
        raise not_found("country")
    row = await roads.get_roads(conn, country)
    everywhere = await roads.list_places(conn, country)
    missing = [one["key_name"] for one in everywhere if not one["has_row"]]
    return {
        "country": country,
        "source": "table" if row else "estimate",
        "places": row["places"] if row else 0,
        "changed_at": row["changed_at"].isoformat() if row else None,
        "needed": len(everywhere),
        "estimated": len(missing),
        "without_row": missing[:_TOLD] if row else [],
    }
