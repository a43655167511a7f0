"""Who plays, and what the chapters hand to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

COUNTRY = "BD"
ZONE = "Asia/Dhaka"
MODULE = "WC"
BEGINS = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
"""Sunday 1 March 2026, eight in the morning in Dhaka: the first day of a working week there."""
FIRST_DAY = date(2026, 3, 8)
LAST_DAY = date(2026, 6, 18)
ENTERPRISES = ("BD-E01", "BD-E02", "BD-E03", "BD-E07", "BD-E09")

COORDINATOR = "BD-COORD"
OFFICER = "BD-OFFICER"
DEPUTY = "BD-DEPUTY"
HEAD = "BD-HEAD"


@dataclass
class Cast:
    """Ids found on the way."""

    cohort_id: str = ""
    plan_id: str = ""
    visit_ids: list[str] = field(default_factory=list)
    trainer_keys: dict[str, str] = field(default_factory=dict)
    """Person id → key of the programme."""
    enterprise_names: dict[str, str] = field(default_factory=dict)
    action_id: str = ""
    action_visit_id: str = ""
    case_id: str = ""
    finder_id: str = ""
    verification_visit_id: str = ""
    missed_visit_id: str = ""
    unreported: set[str] = field(default_factory=set)
    """Visits whose trainer does not report by themselves: a chapter has plans for them."""
    figures: dict[str, str] = field(default_factory=dict)

    def name_of(self, visit: dict[str, Any]) -> str:
        """How a visit is called in the timeline."""
        return f"{visit['stage']} on {visit['starts_at'][:10]}"
