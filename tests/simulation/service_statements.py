"""What the SQL of cases (visits) and of messages (notifications) means to the simulated database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.notifications.storage import enterprises as enterprise_names
from services.notifications.storage import messages, people, subjects
from services.visits.domain.case import Case
from services.visits.storage import case_records, cases
from services.visits.storage import people as case_people
from tests.simulation.database import Row, Statement, Transaction
from tests.simulation.meanings import on_hold

VISITS: dict[str, Statement] = {}
NOTIFICATIONS: dict[str, Statement] = {}

_CASE = tuple(Case.__dataclass_fields__)
_SAVED = ("standing", "stage", "tier", "step", "owner_id", "due_at", "verification", "verification_visit_id",
          "proposed_outcome", "proposed_by", "outcome", "approved_by", "standby_ids", "closed_at")  # fmt: skip


async def insert_case(tx: Transaction, *values: Any) -> list[Any]:
    await tx.lock("cases", values[0])
    names = (*_CASE, "pack", "pack_version", "longest_step", "finding_id", "visit_id", "report_id", "wrapped_key",
             "standby_ids")  # fmt: skip
    tx.put("cases", values[0], Row(zip(names, values, strict=True)) | {"closed_at": None, "minimal_generation": None})  # type: ignore[arg-type]
    return []


async def save_case(tx: Transaction, case_id: Any, *values: Any) -> list[Any]:
    await tx.lock("cases", case_id)
    row = tx.get("cases", case_id)
    if row is not None:
        tx.put("cases", case_id, Row(row | dict(zip(_SAVED, values, strict=True))))
    return []


async def get_case(tx: Transaction, case_id: Any) -> list[Any]:
    row = tx.get("cases", case_id)
    return [row] if row else []


async def get_case_for_update(tx: Transaction, case_id: Any) -> list[Any]:
    if tx.get("cases", case_id) is None:
        return []
    await tx.lock("cases", case_id)
    return await get_case(tx, case_id)


async def insert_audit(tx: Transaction, case_id: Any, *line: Any) -> list[Any]:
    tx.put("case_audit", (case_id, tx.database.next_of("case_audit")), Row(line=line))
    return []


async def insert_alerts(
    tx: Transaction, case_id: Any, step: int, persons: list[Any], kind: str, tier: int, now: datetime
) -> list[Any]:
    for person in persons:
        tx.put("case_alerts", (case_id, step, person), Row(kind=str(kind), tier=tier))
    return []


async def save_message(
    tx: Transaction,
    message_id: Any,
    case_id: Any,
    step: int,
    person: Any,
    channel: Any,
    state: str,
    code: Any,
    now: Any,
) -> list[Any]:
    await tx.lock("case_messages", message_id)
    tx.put("case_messages", message_id, Row(case_id=case_id, step=step, person=person, state=state))
    return []


async def alert_state(tx: Transaction, case_id: Any, step: int) -> list[Any]:
    told = [person for (case, at, person), _ in tx.rows("case_alerts") if (case, at) == (case_id, step)]
    states: dict[Any, set[bool]] = {person: set() for person in told}
    for _, row in tx.rows("case_messages"):
        if (row["case_id"], row["step"]) == (case_id, step) and row["person"] in states:
            states[row["person"]].add(row["state"] != "failed")
    reached = sum(True in found for found in states.values())
    lost = sum(bool(found) and True not in found for found in states.values())
    return [Row(reached=reached, lost=lost, told=len(told))]


async def nothing(tx: Transaction, *values: Any) -> list[Any]:
    return []


async def list_officials(tx: Transaction, country: str, roles: list[str]) -> list[Any]:
    return [
        Row(person_id=key, roles=[row["role"]], here=row["country"] == country)
        for key, row in sorted(tx.rows("officials"))
        if row["role"] in {"head", "administrator"} or (row["role"] in roles and row["country"] == country)
    ]


async def claim_minimal(tx: Transaction, case_id: Any, generation: int) -> list[Any]:
    await tx.lock("cases", case_id)
    row = tx.get("cases", case_id)
    if row is None or row["standing"] == "closed" or row["minimal_generation"] == generation:
        return []
    tx.put("cases", case_id, Row(row | {"step": row["step"] + 1, "minimal_generation": generation}))
    return [Row(step=row["step"] + 1, country=row["country"], standby_ids=row["standby_ids"])]


VISITS |= {
    cases.CLAIM_MINIMAL: claim_minimal,
    cases.INSERT_CASE: insert_case,
    cases.SAVE_CASE: save_case,
    cases.GET_CASE: get_case,
    cases.GET_CASE + " for update": get_case_for_update,
    case_records.INSERT_AUDIT: insert_audit,
    case_records.INSERT_ALERTS: insert_alerts,
    case_records.SAVE_MESSAGE: save_message,
    case_records.ALERT_STATE: alert_state,
    case_people.LIST_OFFICIALS: list_officials,
    "select person_id from case_named where case_id = $1 order by person_id": nothing,
    "select person_id, because from case_exclusions where case_id = $1": nothing,
}

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_MESSAGE = ("message_id", "lane", "template", "about", "part", "step", "country", "recipient_id", "channel", "bundle",
            "data", "code", "not_before")  # fmt: skip
_READ = ("message_id", "template", "about", "part", "step", "country", "recipient_id", "channel", "bundle", "data",
         "queued_at", "not_before", "attempts")  # fmt: skip


async def insert_messages(tx: Transaction, now: datetime, *columns: Any) -> list[Any]:
    *columns, claims, how_long = columns  # type: ignore[assignment]
    rows = [Row(zip(_MESSAGE, values, strict=True)) for values in zip(*columns, strict=True)]
    return [
        inserted
        for row, claim in zip(rows, claims, strict=True)
        for inserted in await _insert_message(tx, Row(row | {"queued_at": now}), claim, how_long)
    ]


async def _insert_message(tx: Transaction, row: Row, claim: Any, how_long: timedelta) -> list[Any]:
    once = tuple(row[name] for name in ("template", "about", "part", "recipient_id", "channel"))
    await tx.lock("messages_once", once)
    if tx.get("messages_once", once):
        return []
    state = "queued" if row["code"] is None else "failed"
    if row["not_before"] <= row["queued_at"]:
        row["not_before"] = _LONG_AGO
    claimed = claim is not None and not on_hold(tx)
    until = tx.database.machine_now + how_long if claimed else None
    more = {"state": state, "attempts": 0, "retry_at": None, "claimed_until": until}
    more["claimed_by"] = claim if claimed else None
    tx.put("messages_once", once, Row(message_id=row["message_id"]))
    tx.put("messages", row["message_id"], Row(row | more))
    if not claimed:
        tx.notifies.append("messages")
    return [Row(message_id=row["message_id"], claimed=claimed)]


async def claim_due(tx: Transaction, lane: str, now: datetime, claim: Any, how_long: timedelta, most: int) -> list[Any]:
    if on_hold(tx):
        return []
    machine = tx.database.machine_now
    due = sorted(
        (row["not_before"], key)
        for key, row in tx.rows("messages")
        if row["lane"] == lane and row["state"] == "queued" and row["not_before"] <= now
        and (row["retry_at"] is None or row["retry_at"] <= machine)
        and (row["claimed_until"] is None or row["claimed_until"] <= machine)
        and tx.is_free("messages", key)
    )  # fmt: skip
    claimed = []
    for _, key in due[:most]:
        if not tx.is_free("messages", key):
            continue  # somebody took it while the one before it was locked: it is skipped
        await tx.lock("messages", key)
        row = tx.get("messages", key)
        assert row is not None
        tx.put("messages", key, Row(row | {"claimed_by": claim, "claimed_until": machine + how_long}))
        claimed.append(_read(row))
    return claimed


async def lock_claimed(tx: Transaction, ids: list[Any], claim: Any) -> list[Any]:
    found = []
    for key in sorted(ids):
        row = tx.get("messages", key)
        if row is not None and row["claimed_by"] == claim and row["state"] == "queued":
            await tx.lock("messages", key)
            row = tx.get("messages", key)
            if row is not None and row["claimed_by"] == claim and row["state"] == "queued":
                found.append(_read(row))
    return found


async def is_ours(tx: Transaction, key: Any, claim: Any) -> list[Any]:
    row = tx.get("messages", key)
    ours = row is not None and row["claimed_by"] == claim and row["state"] == "queued"
    return [Row(exists=bool(ours and row and row["claimed_until"] > tx.database.machine_now))]


async def claim_again(tx: Transaction, ids: list[Any], claim: Any, how_long: timedelta) -> list[Any]:
    machine = tx.database.machine_now
    for key in ids:
        await tx.lock("messages", key)
        row = tx.get("messages", key)
        if (
            row is not None
            and row["state"] == "queued"
            and not (row["claimed_until"] and row["claimed_until"] > machine)
        ):
            tx.put("messages", key, Row(row | {"claimed_by": claim, "claimed_until": machine + how_long}))
    return []


def _read(row: Row) -> Row:
    return Row({name: row[name] for name in _READ} | {"not_before": max(row["not_before"], row["queued_at"])})


def _settle(tx: Transaction, key: Any, **changes: Any) -> list[Any]:
    row = tx.get("messages", key)
    if row is not None:
        tx.put("messages", key, Row(row | changes))
    return []


async def mark_sent(
    tx: Transaction, ids: list[Any], leader: Any, claim: Any, now: Any, provider: str
) -> list[Any]:
    found = await lock_claimed(tx, ids, claim)
    for row in found:
        _settle(tx, row["message_id"], state="sent")
    return found


async def mark_settled(tx: Transaction, key: Any, state: str, code: Any, now: Any) -> list[Any]:
    await tx.lock("messages", key)
    return _settle(tx, key, state=state, code=code)


async def mark_deferred(tx: Transaction, ids: list[Any], pause: timedelta, counted: int) -> list[Any]:
    for key in ids:
        await tx.lock("messages", key)
        row = tx.get("messages", key)
        assert row is not None
        retry_at = tx.database.machine_now + pause
        _settle(tx, key, attempts=row["attempts"] + counted, retry_at=retry_at, claimed_until=None)
    return []


async def next_message(tx: Transaction, now: datetime) -> list[Any]:
    held = [row["not_before"] for _, row in tx.rows("messages") if row["state"] == "queued" and row["not_before"] > now]
    return [Row(min=min(held, default=None))]


async def wake_senders(tx: Transaction) -> list[Any]:
    tx.notifies.append("messages")
    return []


async def save_told_case(tx: Transaction, case_id: Any, country: str, state: str, step: int | None) -> list[Any]:
    await tx.lock("cases", case_id)
    row = tx.get("cases", case_id) or Row(step=0, answered=0)
    answered = row["step"] if state == "owned" else row["answered"]
    stands = Row(state=state, step=max(row["step"], step or 0), answered=answered)
    tx.put("cases", case_id, stands)
    return [stands]


async def lock_told_cases(tx: Transaction, ids: list[Any]) -> list[Any]:
    found = []
    for key in sorted(set(ids)):
        if tx.get("cases", key) is not None:
            await tx.lock("cases", key)
            found.append(Row({"case_id": key} | (tx.get("cases", key) or {})))
    return found


async def list_recipients(tx: Transaction, ids: list[Any]) -> list[Any]:
    point = {"channel": "email", "address": "somebody@example.org", "verified": True}
    return [
        Row(person_id=key, name="", language="en", zone="UTC", active=True, contact_points=[point], chose=False)
        for key in ids
        if tx.get("officials", key)
    ]


NOTIFICATIONS |= {
    messages.INSERT_MESSAGES: insert_messages,
    messages.CLAIM_DUE: claim_due,
    messages.LOCK_CLAIMED: lock_claimed,
    messages.IS_OURS: is_ours,
    messages.CLAIM_AGAIN: claim_again,
    messages.MARK_SENT: mark_sent,
    messages.MARK_SETTLED: mark_settled,
    messages.MARK_DEFERRED: mark_deferred,
    messages.NEXT_DUE: next_message,
    messages.NOTIFY: wake_senders,
    messages.LIST_UNREACHED: nothing,
    subjects.SAVE_CASE: save_told_case,
    subjects.LOCK_CASES: lock_told_cases,
    people.LIST_RECIPIENTS: list_recipients,
    people.LIST_HOLDERS: nothing,
    enterprise_names.LIST_ENTERPRISES: nothing,
}
