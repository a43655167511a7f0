"""Fills the search's tables from an instance that `compact` has put in order."""

from typing import TYPE_CHECKING

import numpy as np

from services.scheduler.planner.bands import Band
from services.scheduler.planner.compact_roads import farthest, load_costs, near_units
from services.scheduler.planner.eligibility import lacking, most_absent
from services.scheduler.planner.instance import Continuity, Job, JobKind
from services.scheduler.planner.search import problem as at
from services.scheduler.planner.search.problem import INT, MOST_GUESTS, NO_LIMIT, Ints, Problem
from services.scheduler.planner.timetable import DAY, minute, minutes_of
from services.scheduler.planner.units import by_enterprise, followers, has_its_days, ranks

if TYPE_CHECKING:
    from services.scheduler.planner.compact import Compact

MOST_CANDIDATES = 60
"""Trainers tried for one unit, nearest first."""


def problem_of(c: "Compact") -> Problem:
    """The tables."""
    instance, calendars, weights = c.instance, c.calendars, c.instance.weights
    hours = instance.working_day
    opening = minute(hours.end) - minute(hours.start)
    lists: list[int] = []
    groups = _groups(c)
    visits = _visits(c, {job.id: n for n, group in enumerate(groups) for job in group})
    bands = _bands(c, visits)
    units = _units(c, visits, lists)
    for n, job in enumerate(c.jobs):
        visits[n, at.GUESTS_FROM] = len(lists)
        lists += [c.guests[e] for e in job.enterprise_ids]
    visits[len(c.jobs), at.GUESTS_FROM] = len(lists)
    for n, job in enumerate(c.jobs):
        if c.optional(job):
            visits[n, at.AWAY_FROM] = len(lists)
            lists += _stay_away(c, job)
    group_from = [len(lists)]
    for group in groups:
        lists += [c.number[j.id] for j in group]
        group_from.append(len(lists))
    first = units[:-1, at.FIRST_VISIT]
    last = units[1:, at.FIRST_VISIT] - 1
    points = np.array([[weights.per_day_off_target if j.target else 0.0, weights.unplaced] for j in c.jobs])
    night = DAY - opening
    return Problem(
        units=units,
        visits=visits,
        bands=bands,
        lists=np.array(lists, INT),
        groups=np.array(group_from, INT),
        near=near_units(visits[first, at.PLACE], visits[first, at.EARLIEST], visits[last, at.LATEST], c.places.points),
        trainers=np.array([[t.max_visits_per_day, t.max_visits_per_week] for t in instance.trainers], INT).reshape(-1, 2),
        points=points.astype(np.float32).reshape(-1, 2),
        extra=c.extra,
        works=np.stack(calendars.works),
        is_open=np.stack(calendars.is_open),
        week=(np.arange(calendars.days) // 7).astype(INT),
        load_cost=load_costs(c.book, sum(j.crew for j in c.jobs)),
        road=c.places.points,
        drive=c.places.minutes,
        fixed=c.fixed,
        rules=np.array([
            opening, instance.travel.longest_day.total_seconds() // 60, instance.grid.total_seconds() // 60,
            weights.per_hour_after_opening / 60, weights.per_trainer_changed,
            night if farthest(c.places.minutes) > night else NO_LIMIT,
        ], np.float64),
    )  # fmt: skip


def _groups(c: "Compact") -> list[list[Job]]:
    """Consultancy visits of one enterprise: a change of trainer among them costs."""
    found: dict[str, list[Job]] = {}
    for job in c.jobs:
        if job.kind is JobKind.CONSULTANCY:
            found.setdefault(job.enterprise_ids[0], []).append(job)
    return list(found.values())


def _visits(c: "Compact", group_of: dict[str, int]) -> Ints:
    rows = np.full((len(c.jobs) + 1, at.VISIT_COLUMNS), -1, INT)
    unit_of = {job.id: n for n, unit in enumerate(c.units) for job in unit}
    shared = {e for e, units in by_enterprise(c.units).items() if len(units) > 1}
    pair = len(c.jobs)
    for n, job in enumerate(c.jobs):
        low, high = _window(c, job)
        target = c.calendars.index(job.target) if job.target else low
        rows[n, : at.GROUP] = (
            unit_of[job.id], low, high, target, c.places.number(c.book.table.place_of(job)), minutes_of(job), job.days,
            job.crew, has_its_days(job), c.calendars.works_row(job, 0),
            c.calendars.works_row(job, 1) if job.crew > 1 else -1, c.calendars.open_row(job, c.optional(job)), 0, NO_LIMIT,
        )  # fmt: skip
        rows[n, at.MOST_AWAY] = most_absent(job) if c.optional(job) else 0
        rows[n, at.GROUP] = group_of.get(job.id, -1)
        rows[n, at.GUARDED] = not shared.isdisjoint(job.enterprise_ids)
        if job.crew > 1:
            rows[n, at.PAIR_ROW] = pair
            pair += 1
    rows[len(c.jobs), at.EARLIEST] = rows[len(c.jobs), at.LATEST] = 0
    return rows


def _window(c: "Compact", job: Job) -> tuple[int, int]:
    """First and last index on which a job may begin, by window, horizon and bands to what is booked or confirmed."""
    horizon = c.instance.horizon
    low = c.calendars.index(max(job.window.first, horizon.first))
    high = c.calendars.index(min(job.window.last, horizon.last)) - (job.days - 1)
    settled = c.bands.fixed | c.book.placed
    for band in c.bands.before[job.id]:
        stop = settled.get(band.earlier)
        if band.guest in c.optional(job):
            continue
        if stop is not None and band.shared - stop.enterprises - set(c.optional(job)):
            high = low - 1
        elif stop is not None:
            low = max(low, stop.days[-1] + c.least_days(band) - c.calendars.first)
            high = min(high, stop.days[-1] + _most(band.max_days) - c.calendars.first)
        elif band.earlier not in c.number:
            high = low - 1
    for band in c.bands.after[job.id]:
        stop = settled.get(band.later)
        if stop is not None:
            high = min(high, stop.days[0] - c.least_days(band) - (job.days - 1) - c.calendars.first)
            low = max(low, stop.days[0] - _most(band.max_days) - (job.days - 1) - c.calendars.first)
    return (low, high) if low <= high and not lacking(job) else (low, low - 1)


def _stay_away(c: "Compact", job: Job) -> list[int]:
    """For a classroom: who may stay away (a bit each, in the order of its guests), a row of `is_open` for each guest, and for each
    trainer those who would have to. Only the search asks for bits, and lets nobody stay away where they are more than those.
    """
    bit = {e: 1 << n if len(job.enterprise_ids) <= MOST_GUESTS else 0 for n, e in enumerate(job.enterprise_ids)}
    settled = c.bands.fixed | c.book.placed
    held = {b.guest for b in c.bands.after[job.id] if b.later in settled}
    rows = []
    for guest in job.enterprise_ids:
        low, high = 0, c.calendars.days
        for band in c.bands.before[job.id] if guest in c.optional(job) else ():
            stop = settled.get(band.earlier)
            if guest not in band.shared or (stop is None and band.earlier in c.number):
                continue
            if stop is None or guest not in stop.enterprises:
                low, high = 1, 0
            elif band.guest == guest:
                low = max(low, stop.days[-1] + c.least_days(band) - c.calendars.first)
                high = min(high, stop.days[-1] + _most(band.max_days) - c.calendars.first)
        rows.append(c.calendars.guest_row(job, guest, low, high))
    strangers = [sum(bit[e] for e in c.strangers_to(job, t)) for t in c.instance.trainers]
    return [sum(bit[e] for e in c.optional(job) if e not in held), *rows, *strangers]


def _most(days: int | None) -> int:
    return NO_LIMIT if days is None else days


def _bands(c: "Compact", visits: Ints) -> Ints:
    """Bands within a unit go to the columns of the later visit, the others into a list by visit."""
    by_visit: list[list[tuple[int, int, int, int, int]]] = [[] for _ in c.jobs]
    for band in c.bands.all:
        early, late = c.number.get(band.earlier), c.number.get(band.later)
        if early is None or late is None:
            continue
        more = c.jobs[early].days - 1
        least, most = c.least_days(band) + more, _most(band.max_days) + more
        if visits[early, at.UNIT] == visits[late, at.UNIT] and late == early + 1:
            visits[late, at.GAP_MIN] = max(visits[late, at.GAP_MIN], least)
            visits[late, at.GAP_MAX] = min(visits[late, at.GAP_MAX], most)
        else:
            guest = _guest(c, band)
            by_visit[late].append((early, 1, least, most, guest))
            by_visit[early].append((late, 0, least, most, guest))
    rows: list[tuple[int, int, int, int, int]] = []
    for n, mine in enumerate(by_visit):
        visits[n, at.BANDS_FROM] = len(rows)
        rows += mine
    visits[len(c.jobs), at.BANDS_FROM] = len(rows)
    return np.array(rows, INT).reshape(-1, at.BAND_COLUMNS)


def _guest(c: "Compact", band: Band) -> int:
    """Whom a band is about, as the number of a guest of the classroom at one of its ends; see `problem.BAND_GUEST`."""
    early, late = c.book.jobs[band.earlier], c.book.jobs[band.later]
    if c.optional(early) and c.optional(late):
        return at.SAME_GROUP
    room = early if c.optional(early) else late
    guest = band.guest
    return room.enterprise_ids.index(guest) if c.optional(room) and guest is not None else at.EVERYBODY


def _units(c: "Compact", visits: Ints, lists: list[int]) -> Ints:
    rows = np.zeros((len(c.units) + 1, at.UNIT_COLUMNS), INT)
    count, homes = 0, c.places.points.shape[1]
    able = np.isfinite(c.extra)
    for n, unit in enumerate(c.units):
        mine = np.arange(count, count + len(unit))
        trainers = np.flatnonzero(able[mine].all(0))
        place = visits[count, at.PLACE]
        if place >= 0:
            trainers = trainers[np.argsort(c.places.points[homes + trainers, place], kind="stable")]
        rows[n, [at.FIRST_VISIT, at.CANDIDATES_FROM]] = count, len(lists)
        lists += trainers[:MOST_CANDIDATES].tolist()
        count += len(unit)
    rows[-1, [at.FIRST_VISIT, at.CANDIDATES_FROM]] = count, len(lists)
    rows[:-1, at.RANK] = ranks(c.units, c.bands)
    rows[:-1, at.WHOLE] = c.instance.continuity is Continuity.HARD
    for n, later in enumerate(followers(c.units, c.bands)):
        rows[n, at.FOLLOWERS_FROM] = len(lists)
        lists += later
    rows[-1, at.FOLLOWERS_FROM] = len(lists)
    return rows
