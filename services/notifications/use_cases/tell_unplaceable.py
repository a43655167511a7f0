"""A visit that nobody is left for: a coordinator must act."""

from datetime import datetime

from services.notifications.domain.message import Wanted
from services.notifications.use_cases.end_visit import withdraw_unplaceable
from services.notifications.use_cases.find_coordinators import coordinators_of
from services.notifications.use_cases.queue_messages import queue_messages
from services.notifications.use_cases.visit_message import require_enterprises, shown_kind
from shared.contracts.booking import BookingUnplaceable
from shared.db import Connection


async def tell_unplaceable(fact: BookingUnplaceable, *, now: datetime, conn: Connection) -> None:
    """Each time it becomes so (the day tells one time from another), with the planner's reasons as codes."""
    if fact.former_trainer_id is not None:
        await withdraw_unplaceable(fact.visit_id, fact.former_trainer_id, now=now, conn=conn)
    await require_enterprises(fact.enterprise_ids, conn=conn)
    data = {
        "enterprise_ids": [str(one) for one in fact.enterprise_ids],
        "kind": shown_kind(fact.kind),
        "codes": list(fact.codes),
    }
    coordinators = await coordinators_of(fact.country, conn=conn)
    wanted = Wanted("notice_unplaceable", fact.visit_id, fact.country, coordinators, f"{now:%Y%m%d}", None, data)
    await queue_messages(wanted, now=now, conn=conn)
