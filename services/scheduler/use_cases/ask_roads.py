"""Ask the routing service for a country's roads and keep its answers as the country's table."""

from services.scheduler.deps import Deps
from services.scheduler.planning import tasks
from services.scheduler.routing import Place, RoutingRefused, ask_table
from services.scheduler.storage import planning_jobs, roads, routing, worlds
from shared.db import Connection, Record, transaction
from shared.errors import Transient
from shared.logging import get_logger

MOST_PLACES = 1_500
"""Of a country whose table is asked for: 2.25 million ways, and some 40 MB as the document that is kept of them."""
AGAIN_SECONDS = 60.0
"""Between two questions to a service that does not answer."""

_log = get_logger(__name__)


async def ask_roads(job: Record, holder: str, *, deps: Deps) -> None:
    """One question of the planner's queue. The table of before stays until all answers are there.

    A service that does not answer is asked again after a minute, for as long as it takes; what it refuses is noted and asked
    again when a place is new, or when a coordinator asks.
    """
    country = job["country"]
    async with transaction(deps.pool) as conn:
        if await routing.get_routing(conn, country) is None:
            await planning_jobs.mark_done(conn, job["job_id"])
            return
        places = _distinct(await roads.list_places(conn, country))
    try:
        ready = await _ask(places, deps)
    except Transient as fault:
        _log.warning("roads.not_answered", country=country, reason=str(fault))
        async with transaction(deps.pool) as conn:
            await routing.save_trouble(conn, country, f"{fault}; it is asked again each minute")
            await planning_jobs.put_back(conn, job["job_id"], holder, seconds=AGAIN_SECONDS, counted=False)
        return
    except RoutingRefused as refusal:
        _log.error("roads.refused", country=country, reason=str(refusal))
        async with transaction(deps.pool) as conn:
            await routing.save_trouble(conn, country, str(refusal))
            await planning_jobs.mark_done(conn, job["job_id"])
        return
    async with transaction(deps.pool) as conn:
        await _store(conn, job, holder, ready, deps)


async def _ask(places: list[Place], deps: Deps) -> dict[str, object]:
    url = deps.settings.routing_url
    if not url:
        raise RoutingRefused("No routing service is named (GEMBA_ROUTING_URL).")
    if len(places) > MOST_PLACES:
        raise RoutingRefused(
            f"{len(places):,} sites and homes are more than the {MOST_PLACES:,} of a table that is asked for."
        )
    document = await ask_table(url, places)
    ready, wrong = await deps.planner(tasks.READ_ROADS, document)
    if ready is None:
        raise RoutingRefused(f"The routing service's table cannot be used: {wrong}.")
    return dict(ready)


def _distinct(rows: list[Record]) -> list[Place]:
    """Positions that agree to five decimals, about a metre, are one place of a table."""
    return list(dict.fromkeys((round(row["latitude"], 5), round(row["longitude"], 5)) for row in rows))


async def _store(conn: Connection, job: Record, holder: str, ready: dict[str, object], deps: Deps) -> None:
    country = job["country"]
    await worlds.save_world_change(conn, country)
    if not await planning_jobs.lock_held(conn, job["job_id"], holder):
        return
    await planning_jobs.mark_done(conn, job["job_id"])
    wanted = await routing.get_routing(conn, country)
    if wanted is None:  # somebody wants estimates or a table of their own meanwhile
        return
    now = deps.clock.now()
    await roads.save_roads(conn, country, ready, by=wanted["wanted_by"], now=now)
    await routing.mark_asked(conn, country, now)
    await routing.ask_for_what_is_new(conn, country)
