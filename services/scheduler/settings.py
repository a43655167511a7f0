"""What the scheduler is told by its environment."""

from typing import Annotated

from pydantic import AfterValidator, Field

from services.scheduler.routing import check_routing_url
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """`planner_work` is the planner's budget for a cohort in deterministic seconds: the same on every machine."""

    service: str = "scheduler"
    planner_work: float = 4.0
    planner_work_single: float = 2.0
    """The budget for one visit, when it is moved or added."""
    planner_workers: int = Field(default=1, ge=1, le=64)
    """Jobs of the planner's queue that one replica works on at once, each in a process of its own: one for each core that planning may
    have. Countries are independent of each other, so that many are planned side by side.
    """
    notice_days: int = 2
    """A visit is planned at least so many calendar days ahead, counted in the enterprise's zone."""
    hurried_notice_days: int = 1
    """The same where somebody steps in for somebody else."""
    routing_url: Annotated[str, AfterValidator(lambda url: url and check_routing_url(url))] = ""
    """A routing service that speaks OSRM's `table` protocol, for countries that want their roads from it. Empty: none."""
