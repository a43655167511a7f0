"""The checker's own road and its own picture of a day. Distances come from vectors on the sphere, not from haversines,
or straight from the instance's table of roads.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import atan2, cos, hypot, isfinite, radians, sin

from services.scheduler.planner.instance import Instance, Trainer
from services.scheduler.planner.plan import Placement
from services.scheduler.planner.travel import Matrix, Position

SPHERE_KM = 6371.0088


@dataclass(frozen=True, slots=True)
class Attendance:
    """Somebody is somewhere from `start` to `end`; `site` None is at home. `new` is a placement of the plan."""

    visit: str
    start: datetime
    end: datetime
    site: Position | None
    enterprises: frozenset[str]
    new: bool

    @property
    def first(self) -> date:
        """First day touched."""
        return self.start.date()

    @property
    def last(self) -> date:
        """Last day touched; an end at midnight does not touch the day that begins."""
        return (self.end - timedelta(microseconds=1)).date()

    @property
    def day_trip(self) -> bool:
        """A visit of one day on site: a stop of the day's route."""
        return bool(self.enterprises) and self.site is not None and self.first == self.last


def road_km(instance: Instance, a: Position, b: Position) -> float:
    """Kilometres by road, one way."""
    told = _cell(instance.travel.matrix, a, b, of_km=True)
    if told is not None:
        return told
    return _arc_km(a, b) * instance.travel.road_factor


def _cell(matrix: Matrix | None, a: Position, b: Position, *, of_km: bool) -> float | None:
    """What a table of roads says about a pair; None where it is silent."""
    if matrix is None or (of_km and matrix.km is None):
        return None
    ends = [matrix.rows.get((round(p.lat, 5), round(p.lon, 5))) for p in (a, b)]
    if ends[0] is None or ends[1] is None:
        return None
    rows = matrix.km if of_km and matrix.km is not None else matrix.minutes
    value = rows[ends[0]][ends[1]]
    return value if isfinite(value) else None


def _arc_km(a: Position, b: Position) -> float:
    """Kilometres on the sphere."""

    def unit(p: Position) -> tuple[float, float, float]:
        lat, lon = radians(p.lat), radians(p.lon)
        return cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)

    (ax, ay, az), (bx, by, bz) = unit(a), unit(b)
    cross = hypot(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
    return SPHERE_KM * atan2(cross, ax * bx + ay * by + az * bz)


def drive(instance: Instance, a: Position, b: Position) -> timedelta:
    """Driving time, one way."""
    told = _cell(instance.travel.matrix, a, b, of_km=False)
    if told is not None:
        return timedelta(minutes=told)
    return timedelta(hours=road_km(instance, a, b) / instance.travel.speed_kmh)


def attendances(instance: Instance, placements: tuple[Placement, ...]) -> dict[str, list[Attendance]]:
    """Everything of everybody, booked and placed, by trainer, in the order of time."""
    sites = {e.id: e.position for e in instance.enterprises}
    jobs = {j.id: j for j in instance.jobs}
    by_trainer: dict[str, list[Attendance]] = {t.id: [] for t in instance.trainers}
    for b in instance.booked:
        for who in b.trainer_ids & by_trainer.keys():
            by_trainer[who].append(Attendance(b.id, b.start, b.end, b.position, b.enterprise_ids, new=False))
    for p in placements:
        job = jobs[p.job_id]
        place = None if job.online else (job.venue or sites[job.enterprise_ids[0]])
        end = datetime.combine(p.day + timedelta(days=max(1, p.days) - 1), p.end)
        stay = Attendance(
            p.job_id,
            datetime.combine(p.day, p.start),
            end,
            place,
            frozenset(job.enterprise_ids) - set(p.absent),
            new=True,
        )
        for who in {p.trainer_id, *p.co_trainers}:
            by_trainer[who].append(stay)
    return {who: sorted(stays, key=lambda s: (s.start, s.end)) for who, stays in by_trainer.items()}


def whereabouts(stay: Attendance, trainer: Trainer) -> Position:
    """Where the trainer is meanwhile."""
    return stay.site if stay.site is not None else trainer.home
