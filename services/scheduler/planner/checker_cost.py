"""The checker's own sum: whether the plan costs what it says, by the definitions in `Weights`."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from math import ceil, isclose

from services.scheduler.planner.checker_road import Attendance, attendances, drive, road_km
from services.scheduler.planner.instance import Instance, Job, JobKind, Trainer
from services.scheduler.planner.plan import Plan, Violation
from services.scheduler.planner.travel import Position


def cost_violations(instance: Instance, plan: Plan) -> Iterator[Violation]:
    """Wrong parts, a sum that is not their sum, a bound above the cost, a gap that does not follow from both."""
    actual = _parts(instance, plan)
    for name in sorted(actual.keys() | plan.parts.keys()):
        said, found = plan.parts.get(name, 0.0), actual.get(name, 0.0)
        if not isclose(said, found, rel_tol=1e-6, abs_tol=1e-3):
            yield Violation("cost", f"{name} is {found:.3f}, not {said:.3f}")
    if not isclose(plan.cost, sum(plan.parts.values()), rel_tol=1e-6, abs_tol=1e-3):
        yield Violation("cost", "the cost is not the sum of its parts")
    gap = (plan.cost - plan.bound) / plan.cost if plan.cost > plan.bound else 0.0
    if plan.bound > plan.cost + 1e-6 or not isclose(plan.gap, gap, abs_tol=1e-9):
        yield Violation("bound", f"bound {plan.bound} and gap {plan.gap} do not fit cost {plan.cost}")


def _parts(instance: Instance, plan: Plan) -> dict[str, float]:
    weights, jobs = instance.weights, {j.id: j for j in instance.jobs}
    opening = instance.working_day.start.hour * 60 + instance.working_day.start.minute
    off = sum(abs((p.day - t).days) for p in plan.placements if (t := jobs[p.job_id].target) is not None)
    late = sum(p.start.hour * 60 + p.start.minute - opening for p in plan.placements) / 60
    wanted = [(p, jobs[p.job_id].prefer_trainers) for p in plan.placements]
    pairs = {
        (jobs[p.job_id].enterprise_ids[0], p.trainer_id)
        for p in plan.placements
        if jobs[p.job_id].kind is JobKind.CONSULTANCY
    }
    km, away = _road(instance, jobs, plan)
    return {
        "km": km * weights.per_km,
        "off_target": off * weights.per_day_off_target,
        "continuity": (len(pairs) - len({e for e, _ in pairs})) * weights.per_trainer_changed,
        "not_preferred": sum(1 for p, who in wanted if who and p.trainer_id not in who) * weights.per_not_preferred,
        "load": _overload(instance, plan) * weights.per_visit_over_share,
        "nights": away * weights.per_night_away,
        "start": late * weights.per_hour_after_opening,
        "unplaced": (len(plan.unplaced) + _away(jobs, plan)) * weights.unplaced,
    }


def _away(jobs: dict[str, Job], plan: Plan) -> float:
    """Shares of classrooms that the absent ones are."""
    return sum(1 / len(set(jobs[p.job_id].enterprise_ids)) for p in plan.placements for _ in p.absent)


def _overload(instance: Instance, plan: Plan) -> int:
    """Visits above the share that the plan adds to those that were above it before."""
    before: Counter[str] = Counter()
    for b in instance.booked:
        if b.enterprise_ids and instance.horizon.first <= b.start.date() <= instance.horizon.last:
            before.update(t.id for t in instance.trainers if t.id in b.trainer_ids)
    after = before + Counter(who for p in plan.placements for who in (p.trainer_id, *p.co_trainers))
    everything = sum(before.values()) + sum(j.crew for j in instance.jobs)
    share = ceil(everything / max(1, len(instance.trainers)))
    return sum(max(0, n - share) for n in after.values()) - sum(max(0, n - share) for n in before.values())


def _road(instance: Instance, jobs: dict[str, Job], plan: Plan) -> tuple[float, int]:
    """Kilometres that the plan adds, and nights away."""
    km, away = 0.0, 0
    diary = attendances(instance, plan.placements)
    for trainer in instance.trainers:
        stays = diary[trainer.id]
        for stay in stays:
            if not stay.new or stay.site is None:
                continue
            job = jobs[stay.visit]
            legs = ((trainer.home, stay.site), (stay.site, trainer.home))
            minutes = sum(ceil(drive(instance, a, b) / timedelta(minutes=1)) for a, b in legs)
            stays_out = timedelta(minutes=minutes) + job.duration > instance.travel.longest_day
            away += job.days if stays_out else 0
            if not stay.day_trip:
                km += sum(road_km(instance, a, b) for a, b in legs) * (1 if stays_out else job.days)
        trips = [s for s in stays if s.day_trip]
        for day in {s.first for s in trips if s.new}:
            today = [s for s in trips if s.first == day]
            km += _tour(instance, trainer, today) - _tour(instance, trainer, [s for s in today if not s.new])
    return km, away


def _tour(instance: Instance, trainer: Trainer, stays: list[Attendance]) -> float:
    """Home, every site in turn, home."""
    at: Position = trainer.home
    total = 0.0
    for stay in stays:
        if stay.site is not None:
            total += road_km(instance, at, stay.site)
            at = stay.site
    return total + road_km(instance, at, trainer.home)
