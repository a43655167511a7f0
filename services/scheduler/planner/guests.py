"""Who of a classroom's group can be there at a time, and who would have to stay away for it to be held then."""

from collections.abc import Iterable, Mapping
from datetime import date

from services.scheduler.planner.bands import Bands
from services.scheduler.planner.eligibility import Eligibility, most_absent, optional_guests, person_refusal
from services.scheduler.planner.instance import Job, Trainer
from services.scheduler.planner.timetable import Stop, Timetable
from services.scheduler.planner.valuation import absent_share


class Guests:
    """The question asked of one book. `placed` are the stops of all jobs that have a place, the classroom's own aside."""

    def __init__(self, table: Timetable, bands: Bands, eligibility: Eligibility, unplaced: float) -> None:
        """`unplaced`: points for a visit that is left out."""
        self._table, self._bands, self.eligibility, self._unplaced = table, bands, eligibility, unplaced
        self._of: dict[str, tuple[str, ...]] = {}
        self._shut: dict[tuple[str, str, date], str | None] = {}
        self._price: dict[tuple[str, str], float] = {}

    def optional(self, job: Job) -> tuple[str, ...]:
        """Enterprises each of which may stay away; none for any visit but a classroom with a quorum below its group."""
        found = self._of.get(job.id)
        if found is None:
            found = self._of[job.id] = optional_guests(job)
        return found

    def away(
        self, job: Job, day: date, wall: int, placed: Mapping[str, Stop], crew: Iterable[Trainer] = ()
    ) -> tuple[str, ...] | None:
        """Those who cannot be there, in the order of the job; None when too few are left."""
        optional = self.optional(job)
        if not optional:
            return ()
        crew = tuple(crew)
        found = tuple(e for e in optional if self.refusal(job, e, day, wall, placed, crew) is not None)
        return found if len(found) <= most_absent(job) else None

    def refusal(
        self, job: Job, guest: str, day: date, wall: int, placed: Mapping[str, Stop], crew: Iterable[Trainer] = ()
    ) -> str | None:
        """Code of the first rule that keeps one enterprise from being there."""
        key = (job.id, guest, day)
        if key not in self._shut:
            self._shut[key] = self.eligibility.site_refusal(self.eligibility.enterprises[guest], job, day)
        code = self._shut[key]
        if code is not None:
            return code
        alone = self._table.stop(job, day.toordinal(), wall, frozenset(job.enterprise_ids) - {guest})
        if self._table.enterprise_refusal(alone) is not None:
            return "enterprise_booked"
        for band in self._bands.before[job.id]:
            if guest in band.shared and band.earlier not in self._bands.fixed:
                earlier = placed.get(band.earlier)
                if earlier is None:
                    return "waits_for_earlier"
                if guest not in earlier.enterprises:
                    return "missed_classroom"
        if any(guest in band.shared for band in self._bands.broken(alone, placed)):
            return "gap_band"
        site = (self.eligibility.enterprises[guest],)
        refused = (person_refusal(job, trainer, site) for trainer in crew)
        return next((c for c in refused if c not in _WHOEVER_COMES), None)

    def points(self, job: Job, absent: Iterable[str]) -> float:
        """What it costs that they stay away."""
        return sum(absent_share(job) * self._unplaced for _ in absent)

    def points_and_lost(self, job: Job, absent: Iterable[str]) -> float:
        """The same with the visits that they then cannot have."""
        total = 0.0
        for guest in absent:
            if (job.id, guest) not in self._price:
                self._price[job.id, guest] = self._unplaced * len(self._bands.lost(job.id, guest))
            total += absent_share(job) * self._unplaced + self._price[job.id, guest]
        return total


_WHOEVER_COMES = (None, "excluded", "lacks_skill")
"""What no enterprise's absence would change."""
