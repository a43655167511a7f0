"""A trainer raises a suspicion before the report, from the phone. What comes back is a receipt and nothing more."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.visits.deps import Deps
from services.visits.storage.cases import get_case_of_finding
from services.visits.storage.enterprises import get_enterprise
from services.visits.storage.visits import get_visit
from services.visits.use_cases.open_case import Sighting, open_in
from services.visits.use_cases.see_visit import Asker
from shared.commands import Idempotency, command
from shared.crypto import SealedText
from shared.db import Connection
from shared.errors import Rejected, not_found


@dataclass(frozen=True, slots=True)
class RaiseSuspicion:
    """`finding_id` was made on the phone. Where: a visit of the trainer's own, or an enterprise of their country."""

    finding_id: UUID
    asker: Asker
    item: int
    text: SealedText
    visit_id: UUID | None = None
    enterprise_id: UUID | None = None
    named: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """All that the finder sees: it arrived."""

    finding_id: UUID
    received_at: datetime


async def raise_suspicion(cmd: RaiseSuspicion, *, idempotency: Idempotency, deps: Deps) -> Receipt:
    """Open the case at once. The finder neither investigates nor follows it: only the receipt is theirs."""
    async with command(deps.pool, idempotency, cmd.finding_id) as open_command:
        now = deps.clock.now()
        if not open_command.repeated:
            sighting = await _place(cmd, conn=open_command.conn)
            case = await open_in(sighting, conn=open_command.conn, now=now, deps=deps)
            return Receipt(await open_command.done(cmd.finding_id), case.opened_at)
        known = await get_case_of_finding(open_command.conn, cmd.finding_id)
        return Receipt(cmd.finding_id, known.case.opened_at if known else now)


async def _place(cmd: RaiseSuspicion, *, conn: Connection) -> Sighting:
    country, enterprise_id = "", cmd.enterprise_id
    if cmd.visit_id is not None:
        visit = await get_visit(conn, cmd.visit_id)
        if visit is None or cmd.asker.person_id not in {visit.trainer_id, *visit.co_trainer_ids}:
            raise not_found("visit")
        country = visit.country
        enterprise_id = enterprise_id or visit.enterprise_ids[0]
        if enterprise_id not in visit.enterprise_ids:
            raise Rejected("enterprise_not_visited", 422, "That enterprise is not part of this visit.", field="enterprise_id")
    elif enterprise_id is not None:
        enterprise = await get_enterprise(conn, enterprise_id)
        if enterprise is None or enterprise.country not in cmd.asker.countries:
            raise not_found("enterprise")
        country = enterprise.country
    else:
        raise Rejected("place_missing", 422, "Say where: the visit or the enterprise.", field="visit_id")
    return Sighting(
        item=cmd.item,
        text=cmd.text,
        raised_by=cmd.asker.person_id,
        country=country,
        finding_id=cmd.finding_id,
        enterprise_id=enterprise_id,
        visit_id=cmd.visit_id,
        named=cmd.named,
    )
