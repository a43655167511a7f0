"""The exact model's classrooms: each of its enterprises is there or stays away, at its price, above the quorum.

Whoever is there is open on its days, free at its hours, has had its own earlier visits (stated with the bands), and can be
taught by everybody who goes.
"""

from typing import TYPE_CHECKING

from ortools.sat.python import cp_model

from services.scheduler.planner.eligibility import person_refusal
from services.scheduler.planner.greedy import starts
from services.scheduler.planner.instance import Job
from services.scheduler.planner.timetable import day_of
from services.scheduler.planner.valuation import absent_share

if TYPE_CHECKING:
    from services.scheduler.planner.model import Literal, Model


def attendance(
    model: "Model",
    job: Job,
    placed: "Literal",
    start: cp_model.IntVar,
    on_day: "dict[int, Literal]",
    at: "dict[str, Literal]",
    attends: "dict[str, Literal]",
) -> None:
    """State who can be there. `attends`: a literal for each enterprise that may stay away; without any nothing is stated."""
    if not attends:
        return
    cp, group = model.cp, len(set(job.enterprise_ids))
    cp.add(sum(attends.values()) + (group - len(attends)) * placed >= job.quorum * placed)
    share = model.points(model.instance.weights.unplaced * absent_share(job))
    eligibility = model.guests.eligibility
    for enterprise, here in attends.items():
        cp.add_implication(here, placed)
        model.cost.append((placed - here) * share)
        site = (eligibility.enterprises[enterprise],)
        for trainer, goes in at.items():
            if person_refusal(job, model.trainers[trainer], site) is not None:
                cp.add_bool_or(~here, ~goes)
        for offset, today in on_day.items():
            free = _hours(model, job, enterprise, model.base + offset)
            if not free:
                cp.add_bool_or(~here, ~today)
            elif len(free) < len(starts(model.instance, job)):
                domain = cp_model.Domain.from_values(free)
                cp.add_linear_expression_in_domain(start, domain).only_enforce_if(here, today)


def _hours(model: "Model", job: Job, enterprise: str, day: int) -> list[int]:
    """Wall minutes at which one enterprise can begin, by its calendar and what is booked."""
    if model.guests.eligibility.site_refusal(model.guests.eligibility.enterprises[enterprise], job, day_of(day)):
        return []
    others = frozenset(job.enterprise_ids) - {enterprise}
    stops = {m: model.table.stop(job, day, m, others) for m in starts(model.instance, job)}
    return [m for m, s in stops.items() if model.table.enterprise_refusal(s) is None and model.bands.allow(s, {})]
