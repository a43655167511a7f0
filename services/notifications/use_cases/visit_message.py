"""What a message about a visit is made of: ids, dates and codes of the visit as its fact told it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from services.notifications.domain.message import Wanted
from services.notifications.storage.enterprises import get_enterprises
from services.notifications.storage.people import list_erased
from services.notifications.storage.visits import VisitCopy, get_booking
from shared.contracts.enterprise import EnterpriseState
from shared.contracts.values import VisitKind
from shared.db import Connection
from shared.errors import NotKnownYet

_TOLD = ("enterprise_ids", "starts_at", "ends_at", "zone", "kind", "offer", "sequence")


def shown_kind(kind: VisitKind) -> str:
    """A verification looks like any other follow-up, here and in everything that leaves here."""
    return VisitKind.FOLLOW_UP.value if kind is VisitKind.VERIFICATION else kind.value


def about_visit(
    template: str, visit: VisitCopy, recipients: Sequence[UUID], *, part: str, step: int | None = None, **more: object
) -> Wanted:
    """A message about a visit; `more` are further codes and dates of its fact."""
    whole = asdict(visit)
    data = {name: _plain(value) for name, value in ({name: whole[name] for name in _TOLD} | more).items()}
    return Wanted(template, visit.visit_id, visit.country, recipients, part, step, data)


@dataclass(frozen=True, slots=True)
class Company:
    """Who is booked to come along, who of them was asked and has not said yes, and who is invited for the enterprises."""

    booked: tuple[UUID, ...]
    unsure: frozenset[UUID]
    invited: tuple[UUID, ...]


async def company_of(visit: VisitCopy, *, conn: Connection) -> Company:
    """Of a visit. Nobody is invited where no message may tell them."""
    booking = await get_booking(conn, visit.visit_id)
    if booking is None:
        raise NotKnownYet(f"the booking of visit {visit.visit_id}")
    booked, unsure = tuple(booking["co_trainer_ids"]), frozenset(booking["asked_ids"])
    if not booking["tells_enterprise"]:
        return Company(booked, unsure, ())
    found = await require_enterprises(visit.enterprise_ids, conn=conn)
    contacts = tuple(dict.fromkeys(contact for enterprise in found for contact in enterprise))
    return Company(booked, unsure, contacts)


async def require_enterprises(enterprise_ids: Sequence[UUID], *, conn: Connection) -> list[tuple[UUID, ...]]:
    """The contacts of each enterprise; raises `NotKnownYet` while one of them was never heard of."""
    known = await get_enterprises(conn, enterprise_ids)
    missing = [one for one in enterprise_ids if one not in known]
    if missing:
        erased = await list_erased(conn, EnterpriseState.topic, missing)
        if unknown := next((one for one in missing if one not in erased), None):
            raise NotKnownYet(f"enterprise {unknown}")
    return [tuple(known[one]["contact_ids"]) for one in enterprise_ids if one in known]


def _plain(value: object) -> Any:
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
