"""Why a job has no place in a plan, found by looking again at every day, hour and trainer it could have had.

No search: each reason is a fact about the instance and the placements. What giving way would help is `explain.py`.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from services.scheduler.planner.eligibility import block, certificate_refusal, lacking
from services.scheduler.planner.greedy import Greedy, starts
from services.scheduler.planner.instance import Instance, Job, Pin, Trainer
from services.scheduler.planner.plan import Absence, Placement, Reason
from services.scheduler.planner.timetable import DAY, Stop, day_of, minute
from services.scheduler.planner.wording import TEXT

CERTIFICATE = frozenset({"not_certified", "level_too_low", "certificate_not_valid"})
LANGUAGE = frozenset({"no_manager_language", "no_worker_language"})
ALLOWED = frozenset({"excluded", "conflict_of_interest", "lacks_skill"})
CALENDAR = frozenset({"on_leave", "trainer_day_off", "trainer_holiday"})
TAKEN = frozenset(
    {"gap_band", "enterprise_booked_whole_window", "all_booked", "nobody_free", "no_pair", "too_few_come"}
)
"""Reasons that the other visits of the same plan can have caused."""


def diagnose(instance: Instance, placements: Iterable[Placement]) -> dict[str, tuple[Reason, ...]]:
    """Reasons for every job that the placements leave out, by job id, in the order of the jobs."""
    placements = tuple(placements)
    placed = {p.job_id for p in placements}
    if len(placed) == len(instance.jobs):
        return {}
    full, alone = Greedy(instance), Greedy(instance)
    for placement in placements:
        full.put(placement)
    ordered = frozenset(full.bands.order(instance))
    return {j.id: _reasons(full, alone, j, placed, ordered) for j in instance.jobs if j.id not in placed}


def absences(instance: Instance, placements: Iterable[Placement]) -> tuple[Absence, ...]:
    """For every enterprise without which a classroom is held, why it cannot be there."""
    placements = tuple(placements)
    if not any(p.absent for p in placements):
        return ()
    book = Greedy(instance)
    for placement in placements:
        book.put(placement)
    found = []
    for p in placements:
        job = book.jobs[p.job_id]
        crew = [t for t in instance.trainers if t.id in (p.trainer_id, *p.co_trainers)]
        for guest in p.absent:
            code = book.guests.refusal(job, guest, p.day, minute(p.start), book.placed, crew) or "kept_away"
            found.append(Absence(job.id, guest, (reason(code, job, enterprise=guest, day=p.day),)))
    return tuple(found)


def reason(code: str, job: Job, *, enterprise: str | None = None, trainer: str | None = None,
           day: date | None = None) -> Reason:  # fmt: skip
    """A reason about a job's first enterprise, unless another one is named."""
    return Reason(code, TEXT[code], enterprise or job.enterprise_ids[0], job.stage, trainer, day)


def _reasons(full: Greedy, alone: Greedy, job: Job, placed: set[str], ordered: frozenset[str]) -> tuple[Reason, ...]:
    if job.id not in ordered:
        return (reason("circular_gaps", job),)
    missing = [full.jobs[i] for i in dict.fromkeys(full.bands.needs(job.id)) if i not in placed]
    waits = [reason("waits_for_earlier", job, enterprise=m.enterprise_ids[0]) for m in missing]
    waits += [reason("missed_classroom", job, enterprise=e) for e in _missed(full, job)]
    if any(w.code == "missed_classroom" for w in waits):
        return tuple(waits)
    found = _examine(full, job)
    if not found and not waits:
        found = [reason("not_reached", job)]
    if any(r.code in TAKEN for r in found) and not _examine(alone, job):
        found.append(reason("others_in_the_way", job))
    if job.pinned is not None:
        found = [*_contradicting(full, job, job.pinned), *found]
        found.insert(0, reason("pin_cannot_stay", job, trainer=job.pinned.trainer, day=job.pinned.day))
    return (*waits, *found)


def _missed(book: Greedy, job: Job) -> list[str]:
    """Enterprises of a visit that stay away from a classroom which has to come before it."""
    found: list[str] = []
    may_stay_away = book.guests.optional(job)
    for band in book.bands.before[job.id]:
        earlier = book.bands.fixed.get(band.earlier) or book.placed.get(band.earlier)
        if earlier is not None:
            found += sorted(band.shared - earlier.enterprises - set(may_stay_away))
    return list(dict.fromkeys(found))


def _contradicting(full: Greedy, job: Job, pin: Pin) -> list[Reason]:
    """The confirmed visits with which a confirmed visit cannot be together, by their enterprise and the person or site."""
    stop = full.table.stop(job, pin.day.toordinal(), minute(pin.start))
    people = {t.id: t for t in full.instance.trainers}
    others: dict[str, str | None] = {}
    for who in (pin.trainer, *pin.co_trainers):
        others.update({other.id: who for _, other in full.table.clashes(stop, people[who])})
    for enterprise in job.enterprise_ids:
        others.update({other.id: None for other in full.table.visitors(enterprise, stop) if other.id not in others})
    return [
        reason("pins_contradict", job, enterprise=full.jobs[one].enterprise_ids[0], trainer=who, day=pin.day)
        for one, who in others.items()
        if one in full.jobs and full.jobs[one].pinned is not None
    ]


def _examine(book: Greedy, job: Job) -> list[Reason]:
    """What stands against the job in this book; nothing when it could be put in."""
    window = book.eligibility.window_days(job)
    if not window:
        return [reason("window_outside_horizon", job)]
    if lacking(job):
        return [reason("below_quorum", job)]
    days = book.eligibility.job_days(job)
    if not days:
        return _closed(book, job, window)
    walls = starts(book.instance, job)
    if not walls:
        return [reason("visit_longer_than_day", job)]
    optional = book.guests.optional(job)
    stops = [book.table.stop(job, d.toordinal(), w, optional) for d in days for w in walls]
    in_band = [s for s in stops if book.bands.allow(s, book.placed)]
    if not in_band:
        return [reason("gap_band", job, day=days[0])]
    free = [s for s in in_band if book.table.enterprise_refusal(s) is None]
    if not free:
        return [reason("enterprise_booked_whole_window", job)]
    with_enough = [s for s in free if book.guests.away(job, day_of(s.days[0]), s.start % DAY, book.placed) is not None]
    if not with_enough:
        return _too_few(book, job, free)
    for role in range(job.crew):
        found = _nobody(book, job, role, with_enough)
        if found:
            return found
    if optional and next(book.options(job), None) is None:
        return [reason("too_few_come", job, day=days[0])]
    if job.crew > 1 and next(book.options(job), None) is None:
        return [reason("no_pair", job)]
    return []


def _closed(book: Greedy, job: Job, window: list[date]) -> list[Reason]:
    """Which enterprises are closed on every day, or that they are never open together."""
    found = []
    for site in book.eligibility.sites(job):
        codes = [book.eligibility.site_refusal(site, job, d) for d in window]
        if all(codes):
            code = Counter(c for c in codes if c).most_common(1)[0][0]
            found.append(reason(code, job, enterprise=site.id, day=window[0]))
    return found or [reason("closed_whole_window", job, day=window[0])]


def _too_few(book: Greedy, job: Job, stops: list[Stop]) -> list[Reason]:
    """That a classroom has too few guests at every one of the stops, and what keeps each away most often."""
    found = [reason("too_few_come", job, day=day_of(stops[0].days[0]))]
    for guest in book.guests.optional(job):
        codes = [book.guests.refusal(job, guest, day_of(s.days[0]), s.start % DAY, book.placed) for s in stops]
        kept = [c for c in codes if c]
        if kept:
            found.append(reason(Counter(kept).most_common(1)[0][0], job, enterprise=guest))
    return found


def _nobody(book: Greedy, job: Job, role: int, stops: list[Stop]) -> list[Reason]:
    """Why none of the trainers can take a role at any of the stops; nothing when somebody can."""
    days = sorted({day_of(s.days[0]) for s in stops})
    never: dict[str, str] = {}
    for trainer in book.instance.trainers:
        code = _never(book, job, trainer, role, days)
        if code is not None:
            never[trainer.id] = code
    able = [t for t in book.instance.trainers if t.id not in never]
    if not able:
        return [reason(_summary(set(never.values())), job), *_per_trainer(job, never)]
    codes: dict[str, set[str]] = {}
    for trainer in able:
        codes[trainer.id] = set()
        for stop in stops:
            code = book.refusal(job, trainer, role, day_of(stop.days[0]), stop)
            if code is None:
                return []
            codes[trainer.id].add(code)
    absent = [c <= CALENDAR | CERTIFICATE for c in codes.values()]
    taken = [not c & CALENDAR for c in codes.values()]
    summary = "all_on_leave" if all(absent) else "all_booked" if all(taken) else "nobody_free"
    telling = {t: min(c, key=lambda k: (k in {"trainer_day_off", "certificate_not_valid"}, k))
               for t, c in codes.items()}  # fmt: skip
    return [reason(summary, job, day=days[0]), *_per_trainer(job, telling)]


def _never(book: Greedy, job: Job, trainer: Trainer, role: int, days: list[date]) -> str | None:
    code = book.eligibility.person_refusal(job, trainer, role, book.guests.optional(job))
    if code is not None:
        return code
    codes = [certificate_refusal(job, trainer, role, block(job, d)) for d in days]
    return codes[0] if all(codes) else None


def _summary(codes: set[str]) -> str:
    rest = codes - CERTIFICATE - {"pinned_elsewhere"}
    if not rest:
        return "nobody_certified"
    if rest <= LANGUAGE:
        return "nobody_speaks"
    return "nobody_allowed" if rest <= ALLOWED else "nobody_suits"


def _per_trainer(job: Job, codes: dict[str, str]) -> list[Reason]:
    return [reason(c, job, trainer=t) for t, c in codes.items() if c not in {"not_certified", "pinned_elsewhere"}]
