"""One tap from a message does what the button on the page does: for one person, one thing, one action."""

from dataclasses import dataclass
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.visit import Answer, Visit
from services.visits.storage.visits import get_visit
from services.visits.use_cases.acknowledge_case import acknowledge_case
from services.visits.use_cases.answer_offer import AnswerOffer, answer_offer
from services.visits.use_cases.see_case import check_sees_case
from services.visits.use_cases.see_visit import Asker
from services.visits.use_cases.submit_report import SubmitReport, submit_report
from services.visits.use_cases.take_answer import asker_of
from shared.commands import Idempotency
from shared.db import transaction
from shared.errors import Rejected, not_found
from shared.taps import Tap

ACTIONS = ("accept", "decline", "report_done", "acknowledge")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a tap is about: a visit, or a case of which nothing is shown."""

    visit: Visit | None


async def show_tap(tap: Tap, *, deps: Deps) -> Shown:
    """What would be answered. Changes nothing: mail scanners follow every link."""
    asker, subject = await _asker(tap, deps), UUID(tap.subject)
    async with transaction(deps.pool) as conn:
        if tap.action == "acknowledge":
            await check_sees_case(conn, subject, asker)
            return Shown(None)
        visit = await get_visit(conn, subject)
    if visit is None:
        raise not_found("visit")
    return Shown(visit)


async def take_tap(tap: Tap, *, reason: str | None = None, deps: Deps) -> None:
    """Act. A second tap of the same link is the first one's answer, also when its first answer never arrived."""
    asker, subject = await _asker(tap, deps), UUID(tap.subject)
    wish = Idempotency.of(tap.tap_id, f"tap:{tap.person_id}", [tap.action, tap.subject])
    offer = int(tap.extra["offer"]) if tap.extra.get("offer", "").isdecimal() else None
    match tap.action:
        case "accept":
            cmd = AnswerOffer(subject, asker.person_id, Answer.ACCEPTED, offer, via="tap")
            await answer_offer(cmd, idempotency=wish, deps=deps)
        case "decline":
            cmd = AnswerOffer(subject, asker.person_id, Answer.DECLINED, offer, reason or "other", via="tap")
            await answer_offer(cmd, idempotency=wish, deps=deps)
        case "report_done":
            report = SubmitReport(subject, asker.person_id, one_tap=True)
            await submit_report(report, idempotency=wish, deps=deps)
        case "acknowledge":
            await acknowledge_case(subject, asker, idempotency=wish, deps=deps)


async def _asker(tap: Tap, deps: Deps) -> Asker:
    if tap.action not in ACTIONS:
        raise Rejected("tap_invalid", 404, "This link is not valid. Open it from the message again, or sign in.")
    async with transaction(deps.pool) as conn:
        asker = await asker_of(conn, UUID(tap.person_id))
    if tap.action != "acknowledge" and "trainer" not in asker.roles:
        raise Rejected("wrong_role", 403, "This needs the role trainer, which you do not have any longer.")
    return asker
