"""Corrective actions: what an ordinary finding asks for, by when, and who is told when nothing comes.

    open ──evidence──▶ submitted ──verify──▶ verified
      ▲────return────────┘        follow-up visit ▶ visited ──verify──▶ verified

The rules (due dates by grade, tiers) are data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.errors import Rejected


class ActionState(StrEnum):
    """Where an action stands."""

    OPEN = "open"
    SUBMITTED = "submitted"
    VISITED = "visited"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class GradeRule:
    """What a grade asks for; `due_in` is None for a class without a due date."""

    due_in: timedelta | None
    verification: str


@dataclass(frozen=True, slots=True)
class ActionRules:
    """The installation's rules, versioned data like a protocol pack."""

    version: int
    grades: Mapping[str, GradeRule]
    remind_before: timedelta
    tiers: tuple[str, ...]
    next_tier_after: timedelta
    repeat_last_tier: timedelta
    follow_up_within: timedelta


@dataclass(frozen=True, slots=True)
class Action:
    """One corrective action. `tier` counts who has been told that it is overdue; 0 is nobody."""

    action_id: UUID
    finding_id: UUID
    visit_id: UUID
    enterprise_id: UUID
    country: str
    item: int
    grade: str
    module: str
    owner_id: UUID
    trainer_id: UUID
    opened_at: datetime
    due_at: datetime | None
    verification: str
    state: ActionState
    tier: int
    follow_up_visit_id: UUID | None = None


def parse_rules(data: Mapping[str, Any]) -> ActionRules:
    """Read and check the rules; `ValueError` names what is wrong."""
    grades = {}
    for grade, rule in data["grades"].items():
        if rule["verification"] not in {"desk", "visit"}:
            raise ValueError(f"Grade {grade}: verification is {rule['verification']!r}; it must be desk or visit")
        days = rule["due_days"]
        grades[grade] = GradeRule(None if days is None else timedelta(days=days), rule["verification"])
    tiers = tuple(data["tiers"])
    if not tiers or not set(tiers) <= {"owner", "coordinator", "head"}:
        raise ValueError(f"tiers are {tiers}; they must be of owner, coordinator, head")
    return ActionRules(
        version=int(data["version"]),
        grades=grades,
        remind_before=timedelta(days=data["remind_before_days"]),
        tiers=tiers,
        next_tier_after=timedelta(days=data["next_tier_after_days"]),
        repeat_last_tier=timedelta(days=data["repeat_last_tier_days"]),
        follow_up_within=timedelta(days=data["follow_up_within_days"]),
    )


def next_overdue(action: Action, rules: ActionRules, now: datetime) -> tuple[int, str, datetime]:
    """The tier to tell now, its role, and when the next one is due. The last tier is told again and again.

    What the owner has submitted is not the owner's delay: then the tiers start with whoever must decide.
    """
    tier = min(action.tier + 1, len(rules.tiers))
    if action.state is not ActionState.OPEN and rules.tiers[tier - 1] == "owner":
        tier = min(tier + 1, len(rules.tiers))
    wait = rules.next_tier_after if tier < len(rules.tiers) else rules.repeat_last_tier
    return tier, rules.tiers[tier - 1], now + wait


def check_evidence(action: Action) -> None:
    """Raise unless evidence can be handed in."""
    if action.state is ActionState.VERIFIED:
        raise Rejected("action_verified", 409, "This action is verified; it needs no more evidence.")


def check_return(action: Action) -> None:
    """Raise unless there is evidence to return."""
    if action.state is not ActionState.SUBMITTED:
        raise Rejected("nothing_submitted", 409, f"This action is {action.state}; only submitted evidence can be returned.")


def check_verify(action: Action) -> bool:
    """Whether to verify now: False when it is verified already. A visit's action needs its visit, a desk's its evidence."""
    if action.state is ActionState.VERIFIED:
        return False
    if action.verification == "visit" and action.state is not ActionState.VISITED:
        raise Rejected("needs_visit", 409, "This action is verified by a visit: ask for a follow-up visit first.")
    if action.verification == "desk" and action.state is ActionState.OPEN:
        raise Rejected("nothing_submitted", 409, "There is no evidence yet; the owner submits it, then it is verified.")
    return True


def check_follow_up(action: Action, earliest_at: datetime, latest_at: datetime, now: datetime) -> None:
    """Raise unless a follow-up visit can be asked for within this window."""
    if action.state is ActionState.VERIFIED:
        raise Rejected("action_verified", 409, "This action is verified; it needs no visit.")
    if action.follow_up_visit_id is not None and action.state is not ActionState.VISITED:
        raise Rejected("follow_up_wanted", 409, "A follow-up visit has been asked for already.")
    if latest_at <= max(earliest_at, now):
        raise Rejected(
            "window_invalid", 422, "The window must end after it begins, and in the future.", field="latest_at"
        )
