"""What a decision about a case says to the other services, and to its audit: ids, codes and clocks, never a word."""

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.visits.domain.case import (
    Acknowledged,
    Alerted,
    AlertKind,
    Case,
    CaseEvent,
    Closed,
    Confirmed,
    Proposed,
    Renewed,
    Returned,
    Terms,
    Verification,
    VerificationAsked,
    VerificationNoted,
)
from shared.contracts import Fact
from shared.contracts import case as facts
from shared.contracts.values import Channel


def fact_of(
    event: CaseEvent, case: Case, terms: Terms, *, now: datetime, module: str | None = None
) -> Fact | None:
    """The fact that tells others of an event; None for what concerns nobody outside. `case` is as it is after."""
    about: dict[str, Any] = {"case_id": case.case_id, "country": case.country}
    match event:
        case Alerted():
            return _alert(event, case, terms, about)
        case Acknowledged():
            return facts.CaseAcknowledged(**about, owner_id=event.owner_id, valid_until=event.valid_until)
        case Renewed():
            return facts.CaseProgressed(**about, owner_id=event.owner_id, valid_until=event.valid_until)
        case Confirmed():
            return facts.CaseConfirmed(**about, confirmed_by=event.by, valid_until=event.valid_until)
        case VerificationAsked() if case.enterprise_id is not None:
            return facts.VerificationWanted(
                **about,
                enterprise_id=case.enterprise_id,
                visit_id=event.visit_id,
                earliest_at=now + timedelta(days=1),
                latest_at=now + terms.pack.verify_within,
                excluded_trainer_ids=tuple(sorted({case.raised_by, *terms.roster.excluded})),
                module=module,
            )
        case VerificationNoted(verification=Verification.DONE):
            told = (case.owner_id,) if case.owner_id else terms.roster.of(*sorted(terms.pack.may["acknowledge"]))
            return facts.VerificationReported(**about, visit_id=event.visit_id, recipient_ids=told)
        case Returned():
            return facts.ClosureReturned(
                **about, returned_by=event.by, owner_id=event.owner_id, valid_until=event.valid_until
            )
        case Closed():
            told = tuple(dict.fromkeys(one for one in (case.owner_id, event.proposed_by, event.approved_by) if one))
            return facts.CaseClosed(
                **about,
                outcome=event.outcome,
                proposed_by=event.proposed_by,
                approved_by=event.approved_by,
                closed_at=now,
                recipient_ids=told,
            )
        case _:
            return None


def _alert(event: Alerted, case: Case, terms: Terms, about: dict[str, Any]) -> Fact:
    common = about | {
        "step": event.step,
        "recipient_ids": event.recipients,
        "respond_by": event.respond_by,
        "channels": tuple(Channel(channel) for channel in terms.pack.channels),
    }
    match event.kind:
        case AlertKind.OPENED:
            return facts.CaseOpened(
                **common,
                pack=terms.pack.name,
                pack_version=terms.pack.version,
                item=case.item,
                tier=event.tier,
                opened_at=case.opened_at,
            )
        case AlertKind.ESCALATED:
            return facts.CaseEscalated(**common, tier=event.tier, cause=event.cause)
        case AlertKind.UNOWNED:
            return facts.CaseUnowned(**common)
        case AlertKind.LAPSED:
            return facts.CaseAckLapsed(**common, owner_id=event.recipients[0])
        case AlertKind.CLOSURE:
            assert case.proposed_by is not None
            assert case.proposed_outcome is not None
            return facts.ClosureProposed(**common, outcome=case.proposed_outcome, proposed_by=case.proposed_by)


_ACT_NAMES: dict[type[object], str] = {Proposed: "closure_proposed", Returned: "closure_returned"}


def audit_of(event: CaseEvent) -> tuple[str, dict[str, Any]]:
    """The name and the codes under which an event stands in the audit."""
    detail = {field.name: _plain(getattr(event, field.name)) for field in fields(event)}
    if isinstance(event, Alerted):
        return f"alerted_{detail.pop('kind')}", detail
    name = _ACT_NAMES.get(type(event)) or _snake(type(event).__name__)
    return name, detail


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, UUID) else value


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
