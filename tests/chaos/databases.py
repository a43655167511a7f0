"""What the services' databases hold when all is over, read as it is and not asked of a service."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from deploy.local.installation import Installation
from deploy.local.topology import SERVICES


@dataclass(slots=True)
class Databases:
    """Rows that matter, by service."""

    outbox: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    watermarks: dict[tuple[str, str, str], int] = field(default_factory=dict)
    stuck: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    unarmed: list[str] = field(default_factory=list)


def read_databases(gemba: Installation, now: datetime) -> Databases:
    """As the services' own roles see them."""
    kept = Databases()
    for service in SERVICES:
        with psycopg.connect(gemba.databases[service].run, row_factory=dict_row) as conn:
            kept.outbox[service] = conn.execute(
                "select seq, event_id::text, topic, aggregate::text, version, type, body, occurred_at from outbox "
                "where lane <> 'state' order by seq"
            ).fetchall()
            for row in conn.execute("select consumer, topic, aggregate::text, version from watermarks"):
                kept.watermarks[row["consumer"], row["topic"], row["aggregate"]] = row["version"]
            pending = conn.execute("select count(*) as n from outbox_pending").fetchone()
            if pending and pending["n"]:
                kept.stuck.append(f"{service}: {pending['n']} facts were never published")
            for row in conn.execute(
                "select state, reason, topic, aggregate::text from parked where state <> 'skipped'"
            ):
                kept.stuck.append(f"{service}: {row['topic']} {row['aggregate']} is {row['state']}: {row['reason']}")
    with psycopg.connect(gemba.databases["notifications"].run, row_factory=dict_row) as conn:
        kept.messages = conn.execute(
            "select message_id::text, template, about::text, part, step, recipient_id::text, channel, state, code, attempts, "
            "sent_with::text from messages where not (state = 'queued' and not_before > %s)",
            (now,),
        ).fetchall()
    with psycopg.connect(gemba.databases["visits"].run, row_factory=dict_row) as conn:
        for row in conn.execute("select case_id::text, count(*) as n from case_texts where kind = 'note' group by 1"):
            kept.notes[row["case_id"]] = row["n"]
        kept.unarmed = [
            row["case_id"]
            for row in conn.execute(
                "select case_id::text from cases where standing <> 'closed' and not exists "
                "(select from timers where kind = 'case.step' and aggregate = case_id)"
            )
        ]
    return kept
