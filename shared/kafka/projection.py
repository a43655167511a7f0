"""A projection takes what a poll brings in one transaction: watermarks of all its aggregates, and one effect for all.

For readers that keep a copy or a count and can say in one statement what many facts mean. What cannot be taken with the
others (unreadable, too early, with an ordinary handler of its own) goes the ordinary way behind them, record by record;
so does the whole poll when its transaction fails, so that one bad fact holds up nobody but its own key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.contracts import Fact
from shared.db import Connection, Record
from shared.kafka.consumer import Consumer
from shared.kafka.effect import Raw, Readable, read
from shared.kafka.envelope import Poison
from shared.kafka.inbox import Verdict, judge, say_version_under_two_ids
from shared.kafka.topics import BY_NAME

Place = tuple[str, UUID]
"""A topic and an aggregate: what a watermark belongs to."""


class Overtaken(Exception):
    """A watermark was not where it was thought to be (a repeat, a gap, a rebalance): nothing of this attempt stays."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What of a poll is next for its aggregate, in the order of the log; repeats are in neither list."""

    now: tuple[Readable, ...]
    later: tuple[Readable, ...]


def turn_of(lasts: Mapping[Place, int], records: Sequence[Readable]) -> Turn:
    """Decide on a whole poll as the watermark would on each of its records, one after the other. Pure."""
    reached = dict(lasts)
    now, later = [], []
    for record in records:
        place = (record.raw.topic, record.envelope.subject)
        verdict = judge(reached.get(place), record.envelope.version)
        if verdict is Verdict.HANDLE:
            reached[place] = record.envelope.version
            now.append(record)
        elif verdict is Verdict.GAP:
            later.append(record)
    return Turn(tuple(now), tuple(later))


def readable_together(consumer: Consumer, raws: Sequence[Raw]) -> tuple[list[Readable], list[Raw]]:
    """Facts that a projection may take with others, and the records that go the ordinary way."""
    together, others = [], []
    for raw in raws:
        try:
            record = read(raw) if BY_NAME[raw.topic].is_counted else None
        except Poison:
            record = None
        if record is None or not isinstance(record.body, Fact) or type(record.body) in consumer.facts:
            others.append(raw)
        else:
            together.append(record)
    return together, others


LOCK_WATERMARKS = """
    select w.topic, w.aggregate, w.version, w.event_id from watermarks w
    join unnest($2::text[], $3::uuid[]) as read (topic, aggregate) using (topic, aggregate)
    where w.consumer = $1 order by w.topic, w.aggregate for update of w
"""
MOVE_TOGETHER = """
    with run as (
        select * from unnest($2::text[], $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[])
            as run (topic, aggregate, before, after, event_id)
    ), first as (
        insert into watermarks (consumer, topic, aggregate, version, event_id)
        select $1, topic, aggregate, after, event_id from run where before = 0 order by topic, aggregate
        on conflict do nothing returning topic, aggregate, version
    ), onward as (
        update watermarks w set version = run.after, event_id = run.event_id from run
        where w.consumer = $1 and w.topic = run.topic and w.aggregate = run.aggregate
          and run.before > 0 and w.version = run.before
        returning w.topic, w.aggregate, w.version
    ), moved as (
        select * from first union all select * from onward
    ), freed as (
        update parked p set next_at = clock_timestamp() from moved
        where p.consumer = $1 and p.topic = moved.topic and p.aggregate = moved.aggregate
          and p.version = moved.version + 1 and p.state in ('waiting', 'skip')
        returning pg_notify('parked', '')
    )
    select (select count(*) from moved), (select count(*) from freed)
"""


async def take_next(consumer: Consumer, records: Sequence[Readable], conn: Connection, deps: Any) -> Turn:
    """As `take_together`, for a poll in which every record is the next one of its aggregate: nothing is read beforehand.

    That is nearly always so, and moving the watermarks says whether it was. Raises `Overtaken` when it was not.
    """
    lasts = before_all_of(records)
    if lasts is None:
        raise Overtaken
    turn = Turn(tuple(records), ())
    await _move_and_apply(consumer, turn, lasts, conn, deps)
    return turn


def before_all_of(records: Sequence[Readable]) -> dict[Place, int] | None:
    """Where the watermarks stand if every record is next in its turn; None when that cannot be. Pure."""
    lasts: dict[Place, int] = {}
    reached: dict[Place, int] = {}
    for record in records:
        place, version = (record.raw.topic, record.envelope.subject), record.envelope.version
        if reached.setdefault(place, version - 1) != version - 1:
            return None
        lasts.setdefault(place, version - 1)
        reached[place] = version
    return lasts


async def take_together(consumer: Consumer, records: Sequence[Readable], conn: Connection, deps: Any) -> Turn:
    """Move the watermarks and apply the effects of those whose turn it is; the caller's transaction holds both.

    Raises `Overtaken` when a watermark is not where it was read to be.
    """
    places = sorted({(record.raw.topic, record.envelope.subject) for record in records})
    topics, aggregates = [topic for topic, _ in places], [aggregate for _, aggregate in places]
    rows = await conn.fetch(LOCK_WATERMARKS, consumer.group, topics, aggregates)
    lasts = {(row["topic"], row["aggregate"]): row["version"] for row in rows}
    turn = turn_of(lasts, records)
    _look_for_two_ids(consumer, rows, records)
    await _move_and_apply(consumer, turn, lasts, conn, deps)
    return turn


async def _move_and_apply(
    consumer: Consumer, turn: Turn, lasts: Mapping[Place, int], conn: Connection, deps: Any
) -> None:
    # In one order everywhere, so that two replicas in a rebalance wait for one another instead of for ever.
    ends = dict(sorted({(record.raw.topic, record.envelope.subject): record.envelope for record in turn.now}.items()))
    if ends:
        moved = await conn.fetchval(
            MOVE_TOGETHER,
            consumer.group,
            [topic for topic, _ in ends],
            [aggregate for _, aggregate in ends],
            [lasts.get(place, 0) for place in ends],
            [envelope.version for envelope in ends.values()],
            [envelope.event_id for envelope in ends.values()],
        )
        if moved != len(ends):
            raise Overtaken
    for kind, handler in consumer.projections.items():
        facts = [record.body for record in turn.now if type(record.body) is kind]
        if facts:
            await handler(facts, conn=conn, deps=deps)


def _look_for_two_ids(consumer: Consumer, rows: Sequence[Record], records: Sequence[Readable]) -> None:
    """Two things that claim to be one aggregate's same fact: an alarm, as in `inbox.advance`."""
    handled = {(row["topic"], row["aggregate"], row["version"]): row["event_id"] for row in rows}
    for record in records:
        envelope = record.envelope
        place = (record.raw.topic, envelope.subject, envelope.version)
        if handled.get(place, envelope.event_id) != envelope.event_id:
            say_version_under_two_ids(consumer.group, record.raw.topic, envelope.subject)
