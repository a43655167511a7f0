"""One published visit with what became of it."""

from typing import Any
from uuid import UUID

from services.scheduler.storage import lists
from services.scheduler.storage.lists import booking_json, ids_in, instant, named
from shared.db import Connection
from shared.errors import not_found


async def show_visit(conn: Connection, visit_id: UUID, countries: frozenset[str]) -> dict[str, Any]:
    """As the API gives it, and as its page shows it."""
    row = await lists.get_booking(conn, visit_id)
    if row is None or row["country"] not in countries:
        raise not_found("visit")
    steps = await lists.list_steps(conn, visit_id)
    people = [step["trainer_id"] for step in steps if step["trainer_id"]]
    names = await lists.get_names(conn, ids_in([row]) + people)
    reasons = [
        reason | {"trainer": named(names, UUID(reason["trainer_id"])) if reason.get("trainer_id") else None}
        for reason in row["reasons"]
    ]
    return booking_json(row, names) | {
        "reasons": reasons,
        "window_last": row["window_last"].isoformat(),
        "steps": [
            {
                "at": instant(step["at"]),
                "what": step["what"],
                "trainer": named(names, step["trainer_id"]),
                "detail": step["detail"],
            }
            for step in steps
        ],
    }
