"""What a point is worth, set by a coordinator for a country or for one cohort; plans made from then on use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain.plan_weights import WISHES, check_weights, in_force
from services.scheduler.storage import plan_weights, worlds
from services.scheduler.use_cases.show_cohort import get_visible_cohort
from shared.commands import Idempotency, command
from shared.db import Connection
from shared.errors import not_found
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class SetWeights:
    """Replaces what was set; an empty mapping makes the layer below count again (country, then defaults)."""

    country: str
    cohort_id: UUID | None
    countries: frozenset[str]
    weights: Mapping[str, float]
    by: UUID | None


async def set_weights(wanted: SetWeights, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """Keep them. Plans that exist are not touched."""
    weights = check_weights(wanted.weights)
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        conn = cmd.conn
        await _refuse_unknown(conn, wanted.country, wanted.cohort_id, wanted.countries)
        await worlds.save_world_change(conn, wanted.country)
        await plan_weights.save_weights(
            conn, wanted.country, wanted.cohort_id, weights, by=wanted.by, now=deps.clock.now()
        )
        return await cmd.done(wanted.cohort_id or new_id())


async def show_weights(
    conn: Connection, country: str, cohort_id: UUID | None, countries: frozenset[str]
) -> dict[str, Any]:
    """Every weight in force, what it means, and where it was set."""
    await _refuse_unknown(conn, country, cohort_id, countries)
    of_country, of_cohort = await plan_weights.get_weights(conn, country, cohort_id)
    value = in_force(of_country, of_cohort)

    def set_for(name: str) -> str:
        if name in (of_cohort or {}):
            return "cohort"
        return "country" if name in (of_country or {}) else "default"

    return {
        "country": country,
        "cohort_id": str(cohort_id) if cohort_id else None,
        "items": [
            {
                "name": name,
                "points": value[name],
                "default": wish.default,
                "set_for": set_for(name),
                "meaning": wish.meaning,
            }
            for name, wish in WISHES.items()
        ],
    }


async def _refuse_unknown(conn: Connection, country: str, cohort_id: UUID | None, countries: frozenset[str]) -> None:
    if country not in countries:
        raise not_found("country")
    if cohort_id is not None and (await get_visible_cohort(conn, cohort_id, countries))["country"] != country:
        raise not_found("cohort")
