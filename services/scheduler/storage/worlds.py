"""The version of a country's world, and reading all of it for the planner."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from services.scheduler.domain.world import Booking, CertificateHeld, Site, TrainerKnown, World
from services.scheduler.storage.roads import get_roads_between
from shared.db import Connection

_WEEK = timedelta(days=7)

TOUCH_WORLD = """
    insert into worlds (country) values ($1)
    on conflict (country) do update set version = worlds.version + 1 returning version
"""


async def save_world_change(conn: Connection, country: str) -> int:
    """Something changed that planning must know of; locks the country until the transaction ends."""
    version: int = await conn.fetchval(TOUCH_WORLD, country)
    return version


GET_VERSION = "select version from worlds where country = $1"
LOCK_VERSION = GET_VERSION + " for update"


async def get_world_version(conn: Connection, country: str) -> int:
    """0 for a country in which nothing is known yet."""
    version: int | None = await conn.fetchval(GET_VERSION, country)
    return version or 0


async def lock_world(conn: Connection, country: str) -> int:
    """Lock the country's world and give its version: dates are set only under this lock."""
    version: int | None = await conn.fetchval(LOCK_VERSION, country)
    return version or 0


LIST_TRAINERS = """
    select p.person_id, p.languages, t.*,
           coalesce((select array_agg(array[c.module, c.level, c.valid_from::text, coalesce(c.valid_to::text, '')])
                     from certificates c where c.person_key = p.key_name), '{}') as certificates,
           coalesce((select array_agg(array[l.first, l.last]) from leave l
                     where l.person_key = p.key_name and l.last >= $2), '{}') as leave,
           coalesce((select array_agg(e.enterprise_id) from enterprises e
                     where e.key_name = any(t.conflicts)), '{}') as conflict_ids
    from people p join trainers t on t.person_key = p.key_name
    where p.country = $1 and p.trainer and p.active and ($3::text[] is null or p.key_name = any($3))
    order by p.person_id
"""
LIST_SITES = "select * from enterprises where enterprise_id = any($1::uuid[])"
LIST_BOOKINGS = """
    select v.visit_id, v.enterprise_ids, v.starts_at, v.ends_at, v.online, v.trainer_id, v.co_trainer_ids,
           e.latitude, e.longitude
    from visits v join enterprises e on e.enterprise_id = v.enterprise_ids[1]
    where v.country = $1 and v.starts_at is not null
      and v.state in ('booked', 'confirmed', 'placing', 'reported')
      and (v.starts_at < $3 and v.ends_at > $2 or v.cohort_id = any($4::uuid[]))
"""
LIST_HOLIDAYS = "select region, day from holidays where country = $1 and day between $2 and $3"


async def get_world(
    conn: Connection,
    country: str,
    *,
    zone: str,
    enterprise_ids: list[UUID],
    trainer_keys: list[str] | None,
    first: date,
    last: date,
    first_instant: datetime,
    last_instant: datetime,
    cohort_ids: Sequence[UUID] = (),
) -> World:
    """All that planning between two days must know. The version is read first: whatever changes later makes it old.

    Bookings of these cohorts are included whenever they are, because distances are kept to them.
    """
    version = await get_world_version(conn, country)
    trainer_rows = await conn.fetch(LIST_TRAINERS, country, first, trainer_keys)
    site_rows = await conn.fetch(LIST_SITES, enterprise_ids)
    booking_rows = await conn.fetch(LIST_BOOKINGS, country, first_instant - _WEEK, last_instant + _WEEK, list(cohort_ids))
    holiday_rows = await conn.fetch(LIST_HOLIDAYS, country, first, last)
    trainers = tuple(
        TrainerKnown(
            trainer_id=row["person_id"],
            latitude=row["latitude"],
            longitude=row["longitude"],
            region=row["region"],
            languages=frozenset(row["languages"]),
            certificates=tuple(_certificate(held) for held in row["certificates"]),
            leave=tuple((first_day, last_day) for first_day, last_day in row["leave"]),
            max_visits_per_day=row["max_visits_per_day"],
            max_visits_per_week=row["max_visits_per_week"],
            conflicts=frozenset(row["conflict_ids"]),
            working_weekdays=frozenset(row["working_weekdays"]),
        )
        for row in trainer_rows
    )
    sites = tuple(
        Site(
            enterprise_id=row["enterprise_id"],
            latitude=row["latitude"],
            longitude=row["longitude"],
            region=row["region"],
            zone=row["zone"],
            working_weekdays=frozenset(row["working_weekdays"]),
            manager_languages=frozenset(row["manager_languages"]),
            worker_languages=frozenset(row["worker_languages"]),
            closed=tuple((date.fromisoformat(a), date.fromisoformat(b)) for a, b in row["closed"]),
        )
        for row in site_rows
    )
    bookings = tuple(
        Booking(
            visit_id=row["visit_id"],
            trainer_ids=frozenset([*([row["trainer_id"]] if row["trainer_id"] else []), *row["co_trainer_ids"]]),
            enterprise_ids=frozenset(row["enterprise_ids"]),
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
            position=None if row["online"] else (row["latitude"], row["longitude"]),
        )
        for row in booking_rows
    )
    everywhere = {row["day"] for row in holiday_rows if not row["region"]}
    regions = {one.region for one in trainers} | {site.region for site in sites}
    holidays = {
        region: frozenset(everywhere | {row["day"] for row in holiday_rows if row["region"] == region})
        for region in regions
    }
    roads = await get_roads_between(conn, country, _places(trainers, sites, bookings))
    return World(country, version, zone, trainers, sites, bookings, holidays, roads=roads)


def _places(
    trainers: Sequence[TrainerKnown], sites: Sequence[Site], bookings: Sequence[Booking]
) -> Iterator[tuple[float, float]]:
    for one in trainers:
        yield one.latitude, one.longitude
    for site in sites:
        yield site.latitude, site.longitude
    for booking in bookings:
        if booking.position is not None:
            yield booking.position


def _certificate(held: list[str]) -> CertificateHeld:
    module, level, valid_from, valid_to = held
    return CertificateHeld(
        module, level, date.fromisoformat(valid_from), date.fromisoformat(valid_to) if valid_to else None
    )
