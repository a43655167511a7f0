"""Who and what is taken when: the mutable book against which one more visit is tried.

Absolute times are minutes since the first day of the calendar (`date.toordinal() * 1440` + wall minute).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, time

from services.scheduler.planner.geography import Roads
from services.scheduler.planner.instance import Booked, Instance, Job, Trainer
from services.scheduler.planner.travel import Position

DAY = 1440


@dataclass(frozen=True, slots=True)
class Stop:
    """Minutes [start, end) that take trainers and enterprises. `position` None is at the trainer's home.

    A stop without enterprises is not a visit: it takes time, but counts towards no limit and no route.
    """

    id: str
    start: int
    end: int
    position: Position | None
    enterprises: frozenset[str]

    @property
    def days(self) -> range:
        """Day ordinals it touches."""
        return range(self.start // DAY, (self.end - 1) // DAY + 1)

    @property
    def routed(self) -> bool:
        """Whether it is a stop on a day's round trip: a visit of one day, on site."""
        return bool(self.enterprises) and self.position is not None and len(self.days) == 1


def minute(at: time) -> int:
    """Wall minute of the day."""
    return at.hour * 60 + at.minute


def day_of(ordinal: int) -> date:
    """Calendar day of an ordinal."""
    return date.fromordinal(ordinal)


def time_of(wall_minute: int) -> time:
    """Wall time of a minute of the day."""
    return time(wall_minute // 60, wall_minute % 60)


def iso_week(ordinal: int) -> int:
    """A number per ISO week (Monday to Sunday); ordinal 1 was a Monday."""
    return (ordinal - 1) // 7


def minutes_of(job: Job) -> int:
    """Minutes on site per day, rounded up."""
    return -int(-job.duration.total_seconds() // 60)


def booked_stop(item: Booked) -> Stop:
    """A booked interval as a stop; seconds are rounded outwards."""
    end = item.end.toordinal() * DAY + minute(item.end.time()) + (1 if item.end.second or item.end.microsecond else 0)
    start = item.start.toordinal() * DAY + minute(item.start.time())
    return Stop(item.id, start, end, item.position, item.enterprise_ids)


class Timetable:
    """Everything taken so far, by trainer and by enterprise."""

    def __init__(self, instance: Instance) -> None:
        """Start with what is booked."""
        self.roads = Roads(instance.travel)
        self._longest_day = int(instance.travel.longest_day.total_seconds() // 60)
        self._sites = {e.id: e.position for e in instance.enterprises}
        self._reach = self._days_of_road(instance)
        self._trainer: dict[tuple[str, int], list[Stop]] = defaultdict(list)
        self._enterprise: dict[tuple[str, int], list[Stop]] = defaultdict(list)
        self._per_day: dict[tuple[str, int], int] = defaultdict(int)
        self._per_week: dict[tuple[str, int], int] = defaultdict(int)
        for item in instance.booked:
            self.add(booked_stop(item), item.trainer_ids)

    def _days_of_road(self, instance: Instance) -> int:
        """Days before and after a stop within which another one can be too near: the longest drive, rounded up."""
        places = [t.home for t in instance.trainers] + list(self._sites.values())
        places += [j.venue for j in instance.jobs if j.venue] + [b.position for b in instance.booked if b.position]
        farthest = max((self.roads.minutes(places[0], p) for p in places), default=0)
        if self.roads.symmetric:
            return 1 + 2 * farthest // DAY
        return 1 + (farthest + max((self.roads.minutes(p, places[0]) for p in places), default=0)) // DAY

    def place_of(self, job: Job) -> Position | None:
        """Where a job happens; None when it is online."""
        if job.online:
            return None
        return job.venue or self._sites[job.enterprise_ids[0]]

    def stop(self, job: Job, day: int, wall_minute: int, absent: Collection[str] = ()) -> Stop:
        """The job as a stop from the given day ordinal and wall minute, without those absent."""
        start = day * DAY + wall_minute
        end = (day + job.days - 1) * DAY + wall_minute + minutes_of(job)
        return Stop(job.id, start, end, self.place_of(job), frozenset(job.enterprise_ids).difference(absent))

    def add(self, stop: Stop, trainers: frozenset[str]) -> None:
        """Take the stop's time for these trainers and for its enterprises."""
        for trainer in trainers:
            for day in stop.days:
                self._trainer[trainer, day].append(stop)
                if stop.enterprises:
                    self._per_day[trainer, day] += 1
                    self._per_week[trainer, iso_week(day)] += 1
        for enterprise in stop.enterprises:
            for day in stop.days:
                self._enterprise[enterprise, day].append(stop)

    def remove(self, stop: Stop, trainers: frozenset[str]) -> None:
        """Give back what `add` took."""
        for trainer in trainers:
            for day in stop.days:
                self._trainer[trainer, day].remove(stop)
                if stop.enterprises:
                    self._per_day[trainer, day] -= 1
                    self._per_week[trainer, iso_week(day)] -= 1
        for enterprise in stop.enterprises:
            for day in stop.days:
                self._enterprise[enterprise, day].remove(stop)

    def stops_on(self, trainer: str, day: int) -> list[Stop]:
        """Stops of one trainer that touch a day."""
        return self._trainer.get((trainer, day), [])

    def visits_on(self, trainer: str, day: int) -> int:
        """Visits of one trainer on a day, each day of a block counted."""
        return self._per_day.get((trainer, day), 0)

    def visits_in_week(self, trainer: str, week: int) -> int:
        """Visit days of one trainer in an ISO week."""
        return self._per_week.get((trainer, week), 0)

    def enterprise_refusal(self, stop: Stop) -> str | None:
        """Code why the enterprises cannot take the stop."""
        taken = any(True for enterprise in stop.enterprises for _ in self.visitors(enterprise, stop))
        return "enterprise_booked" if taken else None

    def trainer_refusal(self, stop: Stop, trainer: Trainer) -> str | None:
        """Code why the trainer cannot take the stop: limits first, then other stops."""
        code = self.limit_refusal(stop, trainer)
        return code or next((code for code, _ in self.clashes(stop, trainer)), None)

    def limit_refusal(self, stop: Stop, trainer: Trainer) -> str | None:
        """Code of the limit per day or week that the stop would break."""
        for day in stop.days:
            if self._per_day.get((trainer.id, day), 0) + 1 > trainer.max_visits_per_day:
                return "day_limit"
        for week in {iso_week(d) for d in stop.days}:
            more = sum(1 for d in stop.days if iso_week(d) == week)
            if self._per_week.get((trainer.id, week), 0) + more > trainer.max_visits_per_week:
                return "week_limit"
        return None

    def clashes(self, stop: Stop, trainer: Trainer) -> Iterator[tuple[str, Stop]]:
        """The trainer's other stops that do not go together with this one, each with the code why."""
        for day in range(stop.days[0] - self._reach, stop.days[-1] + self._reach + 1):
            for other in self._trainer.get((trainer.id, day), ()):
                code = self.pair_refusal(stop, other, trainer)
                if code is not None:
                    yield code, other

    def visitors(self, enterprise: str, stop: Stop) -> Iterator[Stop]:
        """Stops at an enterprise that overlap with this one."""
        for day in stop.days:
            for other in self._enterprise.get((enterprise, day), ()):
                if stop.start < other.end and other.start < stop.end:
                    yield other

    def pair_refusal(self, a: Stop, b: Stop, trainer: Trainer) -> str | None:
        """Code why one trainer cannot have both stops, whichever comes first."""
        first, second = (a, b) if (a.start, a.end) <= (b.start, b.end) else (b, a)
        if second.start < first.end:
            return "already_booked"
        here, there = first.position or trainer.home, second.position or trainer.home
        if second.start - first.end < self.roads.minutes(here, there):
            return "too_far"
        shares_a_day = second.start // DAY == (first.end - 1) // DAY
        if not shares_a_day or not a.enterprises or not b.enterprises:
            return None
        if len(first.days) > 1 or len(second.days) > 1:
            return "shares_day_with_block"
        away = second.end - first.start + self.roads.minutes(trainer.home, here)
        away += self.roads.minutes(there, trainer.home)
        return "day_too_long" if away > self._longest_day else None
