"""An officer raises a case without any visit: after a phone call, or a worker's complaint."""

from dataclasses import dataclass
from uuid import UUID

from services.visits.deps import Deps
from services.visits.storage.enterprises import get_enterprise
from services.visits.use_cases.open_case import Sighting, open_in
from services.visits.use_cases.see_visit import Asker
from shared.commands import Idempotency, command
from shared.crypto import SealedText
from shared.errors import Rejected, not_found


@dataclass(frozen=True, slots=True)
class RaiseCase:
    """`case_id` may be made by the caller; `enterprise_id` where it is known."""

    asker: Asker
    item: int
    text: SealedText
    country: str
    case_id: UUID | None = None
    enterprise_id: UUID | None = None
    named: tuple[UUID, ...] = ()


async def raise_case(cmd: RaiseCase, *, idempotency: Idempotency, deps: Deps) -> UUID:
    """Open it and alert the first tier, whoever raised it. Whoever raises does not close."""
    if cmd.asker.roles.isdisjoint(deps.packs.current.may["raise"]):
        raise Rejected("wrong_role", 403, "Only safeguarding people raise a case directly; a trainer raises a suspicion.")
    if cmd.country not in cmd.asker.countries:
        raise not_found("country")
    async with command(deps.pool, idempotency) as open_command:
        if open_command.repeated:
            return open_command.earlier_result
        conn = open_command.conn
        if cmd.enterprise_id is not None:
            enterprise = await get_enterprise(conn, cmd.enterprise_id)
            if enterprise is None or enterprise.country != cmd.country:
                raise not_found("enterprise")
        sighting = Sighting(
            item=cmd.item,
            text=cmd.text,
            raised_by=cmd.asker.person_id,
            country=cmd.country,
            case_id=cmd.case_id,
            enterprise_id=cmd.enterprise_id,
            named=cmd.named,
        )
        case = await open_in(sighting, conn=conn, now=deps.clock.now(), deps=deps)
        return await open_command.done(case.case_id)
