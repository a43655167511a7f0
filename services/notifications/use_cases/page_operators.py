"""A fact about a case could not be handled: the people who run the installation are told at once.

The page names the topic only. An operator may be the very person a case is about.
"""

from datetime import datetime
from uuid import UUID, uuid5

import structlog

from services.notifications.domain.message import Wanted
from services.notifications.storage.people import list_holders
from services.notifications.use_cases.queue_messages import queue_messages
from shared.db import Connection

_TOPICS = UUID("7c0b0a52-2a5b-4f7e-9f7d-3f1c6f3b2c11")

_log = structlog.get_logger(__name__)


async def page_operators(topic: str, aggregate: UUID | None, *, now: datetime, conn: Connection) -> None:
    """At most once an hour for each aggregate."""
    operators = await list_holders(conn, "administrator", None)
    if not operators:
        _log.error("case_fact.stuck_and_no_operator", topic=topic)
        return
    part = f"{aggregate or 'unreadable'}:{now:%Y%m%dT%H}"
    wanted = Wanted("record_stuck", uuid5(_TOPICS, topic), "", operators, part, None, {"topic": topic})
    await queue_messages(wanted, now=now, conn=conn)
