"""The planner: places a cohort's visits against everything already booked. A library: no I/O, no clock, no other import
of the project.

`solve` proposes, `check` (which shares no code with it) judges, `explain_choice` says why her and not the next three,
`explain_unplaced` what would have to give way, `rank_replacements` finds who can step in after a decline, `repair`
mends a plan after a disruption with few changes, `difference` and `fairness` say what that means for people, and
`place_one` plans a single follow-up or verification visit.
"""

from services.scheduler.planner.checker import check
from services.scheduler.planner.difference import Change, ChangeKind, Difference, difference
from services.scheduler.planner.disruption import (
    Absent,
    Cancelled,
    Closed,
    Disruption,
    NewHoliday,
    Refused,
    Wanted,
    disrupted,
)
from services.scheduler.planner.explain import explain_unplaced
from services.scheduler.planner.fairness import Fairness, Load, fairness
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
    Trainer,
    Weights,
    WorkingDay,
)
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.plan import (
    Absence,
    Candidate,
    Placement,
    Plan,
    PlanStatus,
    Progress,
    Reason,
    Relaxation,
    Step,
    Unplaced,
    Violation,
)
from services.scheduler.planner.repair import Repair, as_plan, repair
from services.scheduler.planner.replace import rank_replacements
from services.scheduler.planner.rivals import Choice, Rival, explain_choice
from services.scheduler.planner.solve import place_one, solve
from services.scheduler.planner.travel import Matrix, Position, Travel

__all__ = [
    "Absence",
    "Absent",
    "Booked",
    "Cancelled",
    "Candidate",
    "Certificate",
    "Change",
    "ChangeKind",
    "Choice",
    "Closed",
    "Continuity",
    "DateSpan",
    "Difference",
    "Disruption",
    "Enterprise",
    "Fairness",
    "Gap",
    "Instance",
    "Job",
    "JobKind",
    "Ledger",
    "Level",
    "Load",
    "Matrix",
    "NewHoliday",
    "Pin",
    "Placement",
    "Plan",
    "PlanStatus",
    "Position",
    "Progress",
    "Reason",
    "Refused",
    "Relaxation",
    "Repair",
    "Rival",
    "Step",
    "Trainer",
    "Travel",
    "Unplaced",
    "Violation",
    "Wanted",
    "Weights",
    "WorkingDay",
    "as_plan",
    "check",
    "difference",
    "disrupted",
    "explain_choice",
    "explain_unplaced",
    "fairness",
    "place_one",
    "rank_replacements",
    "repair",
    "solve",
]
