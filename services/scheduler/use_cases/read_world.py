"""From rows to a question that the planner can be asked: a world with its version, and wishes in it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from services.scheduler.domain.delivery import Stage
from services.scheduler.domain.gaps import Node, distances
from services.scheduler.domain.visit import VisitState
from services.scheduler.domain.world import Seat, Wish, World
from services.scheduler.storage import worlds
from shared.db import Connection, Record

MARGIN = timedelta(days=28)
"""As far as the planner widens a window to find out what would help."""


def wish_of(
    visit: Record,
    siblings: Iterable[Record],
    stages: Mapping[str, Stage],
    *,
    not_before: date,
    forbidden: Iterable[UUID] = (),
    prefer: UUID | None = None,
) -> Wish:
    """A visit that wants a place, with its distances to the other visits of its cohort.

    `not_before` is the first day that leaves enough notice; a target before it becomes it.
    """
    first = max(visit["window_first"], not_before)
    target = visit["target"]
    if target is not None:
        target = min(max(target, first), max(visit["window_last"], first))
    after, before = distances(_node(visit), [_node(one) for one in siblings], stages)
    stage = stages.get(visit["stage"])
    preferred = prefer or visit["prefer_trainer_id"]
    out = frozenset(forbidden) | frozenset(visit["excluded_ids"])
    return Wish(
        visit_id=visit["visit_id"],
        stage=visit["stage"],
        kind=visit["kind"],
        module=visit["module"] if visit["kind"] != "verification" else None,
        enterprise_ids=tuple(visit["enterprise_ids"]),
        minutes=visit["minutes"],
        days=visit["days"],
        online=visit["online"],
        first=first,
        last=visit["window_last"],
        target=target,
        after=after,
        before=before,
        forbidden=out,
        prefer=frozenset({preferred} - out) if preferred else frozenset(),
        quorum=stage.quorum if stage else 1,
        announced=visit["announced"],
        crew=stage.crew if stage else 1,
    )


def _node(visit: Record) -> Node:
    return Node(
        visit_id=visit["visit_id"],
        stage=visit["stage"],
        enterprise_ids=frozenset(visit["enterprise_ids"]),
        carried_from=visit["carried_from"],
        present=visit["state"] != VisitState.WITHDRAWN,
    )


async def read_world(
    conn: Connection,
    country: str,
    zone: str,
    wishes: Sequence[Wish],
    *,
    trainer_keys: list[str] | None,
    cohort_id: UUID | None = None,
    cohort_ids: Sequence[UUID] = (),
) -> World:
    """The country's world as far as these wishes reach, without the visits that want a place.

    It reaches `MARGIN` further: an explanation looks for a place a little after the window, too.
    """
    first = min(wish.first for wish in wishes)
    last = max(max(wish.last, wish.first) for wish in wishes) + MARGIN
    world = await worlds.get_world(
        conn,
        country,
        zone=zone,
        enterprise_ids=sorted({one for wish in wishes for one in wish.enterprise_ids}),
        trainer_keys=trainer_keys,
        first=first,
        last=last,
        first_instant=_midnight(first) - timedelta(days=1),
        last_instant=_midnight(last) + timedelta(days=2),
        cohort_ids=[*cohort_ids, *([cohort_id] if cohort_id else [])],
    )
    return world.without(*(wish.visit_id for wish in wishes))


def seat_now(visit: Record) -> Seat | None:
    """Where a visit stands at present, on its own clock."""
    if visit["trainer_id"] is None or visit["day"] is None:
        return None
    return Seat(
        visit_id=visit["visit_id"],
        trainer_id=visit["trainer_id"],
        day=visit["day"],
        start=visit["start_time"],
        end=visit["end_time"],
        days=visit["days"],
        co_trainer_ids=tuple(visit["co_trainer_ids"]),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
