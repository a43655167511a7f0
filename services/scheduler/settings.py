"""What the scheduler is told by its environment."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """`planner_work` is the planner's budget for a cohort in deterministic seconds: the same on every machine."""

    service: str = "scheduler"
    planner_work: float = 4.0
    planner_work_single: float = 2.0
    """The budget for one visit, when it is moved or added."""
    notice_days: int = 2
    """A visit is planned at least so many calendar days ahead, counted in the enterprise's zone."""
    hurried_notice_days: int = 1
    """The same where somebody steps in for somebody else."""
