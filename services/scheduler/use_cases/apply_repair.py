"""Do what a repair proposed, all of it or nothing: visits move, people are told, the cause is remembered."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain.disruption import BOOKING_REASON, HOLIDAY, ILL, LEAVES, Cause
from services.scheduler.domain.world import Why
from services.scheduler.storage import repairs, visits, worlds
from services.scheduler.use_cases.place_visit import book, give_up
from services.scheduler.use_cases.show_repair import get_visible_repair, seat_of
from shared.commands import Idempotency, command
from shared.db import Connection, Record
from shared.errors import Rejected


@dataclass(frozen=True, slots=True)
class ApplyRepair:
    """`accept_unplaced`: also when visits lose their place; a coordinator finds them on the Today page."""

    repair_id: UUID
    countries: frozenset[str]
    accept_unplaced: bool = False


async def apply_repair(wanted: ApplyRepair, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """Returns the repair's id; applying one that is applied is the same answer again.

    Raises `Rejected` 409 `repair_stale` when anything in the country changed since it was worked out.
    """
    now = deps.clock.now()
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        conn = cmd.conn
        seen = await get_visible_repair(conn, wanted.repair_id, wanted.countries)
        version = await worlds.lock_world(conn, seen["country"])
        repair = await repairs.lock_repair(conn, wanted.repair_id)
        assert repair is not None
        if repair["state"] == "applied":
            return await cmd.done(wanted.repair_id)
        if version != repair["world_version"]:
            raise Rejected(
                "repair_stale",
                409,
                "Something was booked or entered since these changes were worked out. Ask for them again.",
            )
        _refuse_losses(repair, wanted)
        await _change(conn, repair, now)
        await _remember(conn, repair["country"], Cause.read(repair["cause"]))
        await repairs.mark_applied(conn, wanted.repair_id, now)
        await worlds.save_world_change(conn, repair["country"])
        return await cmd.done(wanted.repair_id)


def _refuse_losses(repair: Record, wanted: ApplyRepair) -> None:
    left = sum(one["after"] is None for one in repair["changes"])
    if left and not wanted.accept_unplaced:
        raise Rejected(
            "repair_incomplete",
            409,
            f"{left} visit(s) would have no place. Look at the reasons, allow more visits to move, or apply it with "
            "accept_unplaced and place them by hand later.",
            field="accept_unplaced",
        )


async def _change(conn: Connection, repair: Record, now: datetime) -> None:
    """All out of the timetable first: two visits may change places."""
    reason = BOOKING_REASON[repair["cause"]["kind"]]
    ids = sorted(UUID(one["visit_id"]) for one in repair["changes"])
    rows = {one: await visits.lock_visit(conn, one) for one in ids}
    await visits.take_out(conn, ids)
    for one in repair["changes"]:
        visit, seat = rows[UUID(one["visit_id"])], seat_of(one["after"])
        assert visit is not None
        if seat is not None:
            await book(conn, visit, seat, repair["planned_in"], reason=reason, now=now)
        else:
            why = tuple(Why(told["code"], told["text"]) for told in one["reasons"])
            await give_up(conn, visit, why, now=now)


async def _remember(conn: Connection, country: str, cause: Cause) -> None:
    """Leave and holidays are the scheduler's own; what an enterprise's calendar says is directory's to say."""
    if cause.kind in {ILL, LEAVES} and cause.who is not None:
        await repairs.save_leave(conn, cause.who, cause.first, cause.last)
    elif cause.kind == HOLIDAY:
        await repairs.save_holiday(conn, country, cause.region, cause.first)
