"""Records that no retry can make readable: set aside with their bytes, announced, and in nobody's way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.contracts.quarantine import Quarantined
from shared.ids import new_id
from shared.kafka.effect import Raw
from shared.kafka.parked import mark_skip
from tests.harness.facts import emitted
from tests.integration.kit.parts import Listener, declined, declined_again, raw_of, with_header

Desks = Callable[..., Awaitable[Listener]]

POISON: dict[str, Callable[[Raw], dict[str, Any]]] = {
    "invalid JSON": lambda _: {"value": b"{not json"},
    "bytes that are no text": lambda _: {"value": b"\xff\xfe\x00"},
    "a body that does not fit": lambda _: {"value": b'{"visit_id": 1}'},
    "an unknown type": lambda raw: {"headers": with_header(raw, "ce_type", b"gemba.VisitVanished.v1")},
    "an unknown version": lambda raw: {"headers": with_header(raw, "ce_type", b"gemba.VisitDeclined.v99")},
    "a type of another topic": lambda raw: {"headers": with_header(raw, "ce_type", b"gemba.CohortCancelled.v1")},
    "no type": lambda raw: {"headers": with_header(raw, "ce_type", b"")},
    "a null value on a fact topic": lambda _: {"value": None},
    "an empty value": lambda _: {"value": b""},
    "a null header": lambda raw: {"headers": with_header(raw, "ce_source", None)},
    "a header that is not UTF-8": lambda raw: {"headers": with_header(raw, "x-other", b"\xff\xfe")},
    "no headers": lambda _: {"headers": []},
    "no key": lambda _: {"key": None},
    "a key that is not its subject": lambda _: {"key": str(new_id()).encode()},
    "a subject that is not its key": lambda raw: {"headers": with_header(raw, "ce_subject", str(new_id()).encode())},
    "a body of another aggregate": lambda _: {"value": declined().model_dump_json().encode()},
    "300 KB": lambda _: {"value": b'{"x": "' + b"a" * 300_000 + b'"}'},
    "no version": lambda raw: {"headers": with_header(raw, "ce_version", b"")},
    "version zero": lambda raw: {"headers": with_header(raw, "ce_version", b"0")},
    "a version that no database holds": lambda raw: {"headers": with_header(raw, "ce_version", b"9" * 30)},
    "a time without a zone": lambda raw: {"headers": with_header(raw, "ce_time", b"2026-03-02T12:00:00")},
    "another specification": lambda raw: {"headers": with_header(raw, "ce_specversion", b"0.3")},
    "an id that is none": lambda raw: {"headers": with_header(raw, "ce_id", b"17")},
    "a NUL where it is quoted": lambda raw: {"headers": with_header(raw, "ce_type", b"gemba.\x00.v1")},
}


@pytest.mark.parametrize("kind", POISON)
async def test_poison_is_quarantined_with_its_bytes_and_announced_and_stops_nothing_else(
    desk: Desks, kind: str
) -> None:
    heard = await desk()
    sound = raw_of(declined(), 1)
    raw = raw_of(declined("after"), 1)
    changes = POISON[kind](raw)
    poisoned = Raw(**{name: changes.get(name, getattr(raw, name)) for name in Raw.__slots__})
    other = declined("fine")
    await heard.deliver(sound, poisoned, raw_of(other, 1))
    await heard.deliver(poisoned)
    assert await heard.effects(other.visit_id) == ["fine"]
    (row,) = await heard.parked_rows()
    assert row["state"] == "quarantined"
    assert row["value"] == poisoned.value
    assert row["key"] == poisoned.key
    (notice,) = await emitted(heard.pool, Quarantined)
    assert (notice.read_topic, notice.offset, notice.group) == ("gemba.visit", poisoned.offset, "notifications.general")
    assert "aaaa" not in notice.reason


async def test_an_unreadable_fact_can_be_skipped_and_its_successors_follow(desk: Desks) -> None:
    heard = await desk()
    visit = new_id()
    first, second, third = (raw_of(fact, version) for version, fact in enumerate(declined_again(visit, 3), 1))
    unreadable = Raw(**{name: getattr(second, name) for name in Raw.__slots__} | {"value": b"{"})
    await heard.deliver(first, unreadable, third)
    assert await heard.parked() == [("quarantined", 2), ("waiting", 3)]
    rows = await heard.parked_rows()
    async with heard.pool.acquire() as conn:
        await mark_skip(conn, rows[0]["id"], "its publisher was mended")
    await heard.retry()
    assert await heard.effects(visit) == ["1", "3"]


async def test_poison_replayed_unchanged_is_quarantined_again(desk: Desks) -> None:
    from shared.kafka.parked import mark_replay

    heard = await desk()
    await heard.deliver(raw_of(declined(), 1, value=b"{"))
    (row,) = await heard.parked_rows()
    async with heard.pool.acquire() as conn:
        await mark_replay(conn, [row["id"]])
    await heard.retry()
    assert [row["state"] for row in await heard.parked_rows()] == ["quarantined"]
    assert len(await emitted(heard.pool, Quarantined)) == 2


async def test_a_state_record_is_set_aside_without_its_body(desk: Desks) -> None:
    """It may hold personal data: the log is asked for it again."""
    heard = await desk()
    fact = declined()
    await heard.deliver(raw_of(fact, 1, topic="gemba.person", value=b'{"name": "Amina Rahman"'))
    (row,) = await heard.parked_rows()
    assert row["value"] is None
    assert "Amina" not in str([*row.values()])
