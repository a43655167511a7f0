"""What a year does to a plan, in short: valid after each disruption, pins held, and nobody moved without need.

The long one is a command: `python -m tests.benchmarks.disruptions`.
"""

from services.scheduler.planner import as_plan, check
from tests.harness.disruptions import happen, outcome_of, summed
from tests.harness.nation import nation, quick_plan


def test_a_hundred_disruptions_in_a_row_leave_the_plan_valid_and_confirmed_visits_where_they_were() -> None:
    instance = nation(24, 6, seed=3)
    placements = quick_plan(instance)
    assert len(placements) > 90
    happened = []
    for one in happen(instance, placements, 100, seed=3):
        happened.append(one)
        assert check(one.result.instance, as_plan(one.result.instance, one.result.placements)) == [], one.name
        after = {p.job_id: p for p in one.result.placements}
        for job in one.result.instance.jobs:
            if job.pinned and job.id in after:
                assert (after[job.id].trainer_id, after[job.id].day) == (job.pinned.trainer, job.pinned.day)
        stayed = {p.job_id for p in one.before if after.get(p.job_id) == p}
        gone = {p.job_id for p in one.before} - {j.id for j in one.result.instance.jobs}
        changed = {p.job_id for p in one.before} - stayed - gone
        assert changed <= one.result.hit | one.result.moved
        if one.name == "confirmed":
            assert one.result.difference.count == len(set(after) - {p.job_id for p in one.before})
    assert len({h.name for h in happened}) == 9
    told = summed([outcome_of(one) for one in happened])
    assert told["repairs with proven fewest changes"] > 80
    assert told["visits that could not stay"] > 50
