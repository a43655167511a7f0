"""The judge: tells every rule that a plan breaks, before it is stored.

Shares no code with the model, the greedy start or the valuation (a test keeps it so): calendar, road and sums are
done again here and in the other `checker_*` files, in another way where there is one. It trusts nothing in the plan.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from services.scheduler.planner.checker_cost import cost_violations
from services.scheduler.planner.checker_days import day_violations
from services.scheduler.planner.checker_people import people_violations
from services.scheduler.planner.instance import Continuity, Instance, Job, JobKind
from services.scheduler.planner.plan import Placement, Plan, PlanStatus, Violation

CONSTRAINTS = (
    "known_ids", "placed_once", "accounted_for", "unplaced_has_reason", "absent_has_reason", "status", "cost", "bound",
    "duration", "window", "horizon", "working_hours", "quorum", "absent", "pin", "enterprise_closed", "enterprise_weekday",
    "enterprise_holiday", "crew", "certificate", "candidate_with_expert", "manager_language", "worker_language",
    "conflict_of_interest", "forbidden_trainer", "skill", "leave", "trainer_weekday", "trainer_holiday",
    "gap_min", "gap_max", "order", "chain", "continuity", "trainer_overlap", "enterprise_overlap", "travel",
    "longest_day", "block_alone", "visits_per_day", "visits_per_week",
)  # fmt: skip
"""Every name that a violation can carry."""


def check(instance: Instance, plan: Plan) -> list[Violation]:
    """Every violated rule of the plan, with the visits, people and days concerned; empty when it may be stored."""
    found = list(_book_keeping(instance, plan))
    if any(v.constraint in {"known_ids", "placed_once"} for v in found):
        return found
    jobs = {j.id: j for j in instance.jobs}
    for placement in plan.placements:
        found.extend(_own_rules(instance, jobs[placement.job_id], placement))
        found.extend(people_violations(instance, jobs[placement.job_id], placement))
    found.extend(_gaps(instance, plan))
    found.extend(_continuity(instance, jobs, plan))
    found.extend(day_violations(instance, plan.placements))
    found.extend(cost_violations(instance, plan))
    return found


def _book_keeping(instance: Instance, plan: Plan) -> Iterator[Violation]:
    """Every job is placed once or unplaced with a reason, and nothing else is in the plan."""
    jobs, trainers = {j.id for j in instance.jobs}, {t.id for t in instance.trainers}
    placed, left = [p.job_id for p in plan.placements], [u.job_id for u in plan.unplaced]
    for p in plan.placements:
        who = {p.trainer_id, *p.co_trainers}
        if p.job_id not in jobs or not who <= trainers:
            yield Violation("known_ids", "names a visit or a trainer that is not in the instance", (p.job_id,))
    for job_id in left:
        if job_id not in jobs:
            yield Violation("known_ids", "leaves out a visit that is not in the instance", (job_id,))
    for job_id in sorted(jobs):
        times = placed.count(job_id)
        if times > 1:
            yield Violation("placed_once", f"placed {times} times", (job_id,))
        if (times > 0) + left.count(job_id) != 1:
            yield Violation("accounted_for", "is neither placed nor unplaced, or both", (job_id,))
    for item in plan.unplaced:
        if not item.reasons:
            yield Violation("unplaced_has_reason", "is left out without a reason", (item.job_id,))
    away = sorted((p.job_id, e) for p in plan.placements for e in p.absent)
    if away != sorted((a.job_id, a.enterprise_id) for a in plan.absences) or not all(a.reasons for a in plan.absences):
        yield Violation(
            "absent_has_reason", "who stays away from a classroom is not who is told, with reasons, to do so"
        )
    complete = plan.status in {PlanStatus.OPTIMAL, PlanStatus.FEASIBLE}
    if complete == bool(left) or (plan.status is PlanStatus.EMPTY) != (bool(left) and not placed):
        yield Violation("status", f"{plan.status} does not fit {len(placed)} placed, {len(left)} left out")


def _own_rules(instance: Instance, job: Job, p: Placement) -> Iterator[Violation]:
    """Window, hours, pin and the enterprises' calendars, looking at one placement."""
    span = [p.day + timedelta(days=n) for n in range(max(1, p.days))]
    lasts = timedelta(hours=p.end.hour - p.start.hour, minutes=p.end.minute - p.start.minute)
    lasts += timedelta(seconds=p.end.second - p.start.second)
    if p.days != job.days or not timedelta(0) <= lasts - job.duration < timedelta(minutes=1):
        yield Violation("duration", f"takes {p.days} x {lasts}, not {job.days} x {job.duration}", (job.id,))
    for name, allowed in (("window", job.window), ("horizon", instance.horizon)):
        if span[0] < allowed.first or span[-1] > allowed.last:
            yield Violation(name, f"lies outside {allowed.first} to {allowed.last}", (job.id,), day=p.day)
    if p.start < instance.working_day.start or p.end > instance.working_day.end:
        yield Violation("working_hours", f"is at {p.start} to {p.end}", (job.id,), day=p.day)
    here = {e for e in job.enterprise_ids if e not in p.absent}
    if len(here) < job.quorum:
        yield Violation("quorum", f"{len(here)} enterprises, at least {job.quorum}", (job.id,))
    yield from _absent(job, p)
    pin = job.pinned
    if pin is not None and (pin.trainer, pin.day, pin.start, pin.co_trainers) != (
        p.trainer_id, p.day, p.start, p.co_trainers,
    ):  # fmt: skip
        yield Violation("pin", "was confirmed with another trainer or time", (job.id,), p.trainer_id, day=p.day)
    for enterprise in instance.enterprises:
        if enterprise.id not in here:
            continue
        for day in span:
            if [s for s in enterprise.closed if not (day < s.first or day > s.last)]:
                yield Violation("enterprise_closed", "the enterprise is closed", (job.id,), None, enterprise.id, day)
            if day.weekday() + 1 not in enterprise.working_weekdays:
                yield Violation(
                    "enterprise_weekday", "the enterprise does not work", (job.id,), None, enterprise.id, day
                )
            if enterprise.region in instance.holidays and day in instance.holidays[enterprise.region]:
                yield Violation(
                    "enterprise_holiday", "public holiday at the enterprise", (job.id,), None, enterprise.id, day
                )


def _absent(job: Job, p: Placement) -> Iterator[Violation]:
    """Whoever stays away belongs to a classroom that may be held without them."""
    for enterprise in p.absent:
        if enterprise not in job.enterprise_ids or p.absent.count(enterprise) > 1:
            yield Violation("absent", "somebody stays away who does not take part", (job.id,), None, enterprise)
        elif job.quorum == 1 or job.announced or job.pinned is not None:
            yield Violation("absent", "this visit is for all of them", (job.id,), None, enterprise)
        elif enterprise == job.enterprise_ids[0] and job.venue is None and not job.online:
            yield Violation("absent", "the host stays away, whose room it is", (job.id,), None, enterprise)


def _gaps(instance: Instance, plan: Plan) -> Iterator[Violation]:
    """Bands to placed and booked visits, from whichever side they were stated; nothing goes before its condition.

    What both visits have with one enterprise only does not concern a later one from which that enterprise stays away; and
    nobody has a later one who stayed away from the earlier.
    """
    group = {j.id: set(j.enterprise_ids) for j in instance.jobs}
    group |= {b.id: {*b.enterprise_ids, *b.absent} for b in instance.booked}
    away = {b.id: set(b.absent) for b in instance.booked} | {p.job_id: set(p.absent) for p in plan.placements}
    when = {b.id: (b.start, b.end) for b in instance.booked}
    fixed = set(when)
    for p in plan.placements:
        when[p.job_id] = (
            datetime.combine(p.day, p.start),
            datetime.combine(p.day + timedelta(days=max(1, p.days) - 1), p.end),
        )
    stated = [(g.visit, j.id, g) for j in instance.jobs for g in j.after]
    stated += [(j.id, g.visit, g) for j in instance.jobs for g in j.before]
    for early, late, gap in stated:
        if late not in when:
            continue
        both = tuple(i for i in (early, late) if i not in fixed)
        common = group[early] & group[late]
        if len(common) == 1 and common <= away[late]:
            continue
        if early in away and (common & away[early]) - away[late]:
            yield Violation("chain", "has somebody who stays away from what must come before", both)
            continue
        if early not in when:
            if late not in fixed:
                yield Violation("chain", "is placed although what must come before is not", both)
            continue
        end = when[early][1]
        last_day = (end - timedelta(microseconds=1)).date()
        days = (when[late][0].date() - last_day).days
        if days < gap.min_days:
            yield Violation("gap_min", f"only {days} days after, at least {gap.min_days}", both)
        if gap.max_days is not None and days > gap.max_days:
            yield Violation("gap_max", f"{days} days after, at most {gap.max_days}", both)
        if when[late][0] < end:
            yield Violation("order", "begins before what must come before has ended", both)


def _continuity(instance: Instance, jobs: dict[str, Job], plan: Plan) -> Iterator[Violation]:
    if instance.continuity is not Continuity.HARD:
        return
    for enterprise in instance.enterprises:
        visits = [
            p
            for p in plan.placements
            if jobs[p.job_id].kind is JobKind.CONSULTANCY and jobs[p.job_id].enterprise_ids[0] == enterprise.id
        ]
        if len({p.trainer_id for p in visits}) > 1:
            ids = tuple(p.job_id for p in visits)
            yield Violation("continuity", "several trainers for one enterprise", ids, enterprise_id=enterprise.id)
