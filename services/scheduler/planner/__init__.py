"""The planner: places a cohort's visits against everything already booked. A library: no I/O, no clock, no other import
of the project.

`solve` proposes, `check` (which shares no code with it) judges, `explain_unplaced` says what would have to give way,
`rank_replacements` finds who can step in after a decline, `place_one` plans a single follow-up or verification visit.
"""

from services.scheduler.planner.checker import check
from services.scheduler.planner.explain import explain_unplaced
from services.scheduler.planner.instance import (
    Booked,
    Certificate,
    Continuity,
    DateSpan,
    Enterprise,
    Gap,
    Instance,
    Job,
    JobKind,
    Level,
    Pin,
    Position,
    Trainer,
    Travel,
    Weights,
    WorkingDay,
)
from services.scheduler.planner.plan import (
    Candidate,
    Placement,
    Plan,
    PlanStatus,
    Progress,
    Reason,
    Relaxation,
    Unplaced,
    Violation,
)
from services.scheduler.planner.replace import rank_replacements
from services.scheduler.planner.solve import place_one, solve

__all__ = [
    "Booked",
    "Candidate",
    "Certificate",
    "Continuity",
    "DateSpan",
    "Enterprise",
    "Gap",
    "Instance",
    "Job",
    "JobKind",
    "Level",
    "Pin",
    "Placement",
    "Plan",
    "PlanStatus",
    "Position",
    "Progress",
    "Reason",
    "Relaxation",
    "Trainer",
    "Travel",
    "Unplaced",
    "Violation",
    "Weights",
    "WorkingDay",
    "check",
    "explain_unplaced",
    "place_one",
    "rank_replacements",
    "solve",
]
