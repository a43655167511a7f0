"""What answers look like. A verification visit looks like a follow-up, and no visit says what wanted it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.visits.domain.action import Action
from services.visits.domain.pack import ITEMS
from services.visits.domain.visit import Visit
from services.visits.storage.cases import CaseFile


class Named(BaseModel):
    """An id with the name it has here; without one where directory erased it or has not told yet."""

    id: UUID
    name: str | None


class VisitOut(BaseModel):
    visit_id: UUID
    cohort_id: UUID | None
    country: str
    kind: str
    stage: str
    module: str
    enterprises: list[Named]
    trainer: Named
    co_trainers: list[Named]
    starts_at: datetime
    ends_at: datetime
    zone: str
    state: str
    offer: int
    respond_by: datetime

    @classmethod
    def of(cls, visit: Visit, names: Mapping[UUID, str]) -> "VisitOut":
        """`names` of persons and enterprises together."""
        return cls(
            visit_id=visit.visit_id,
            cohort_id=visit.cohort_id,
            country=visit.country,
            kind=visit.shown_kind,
            stage=visit.shown_stage,
            module=visit.module,
            enterprises=[Named(id=one, name=names.get(one)) for one in visit.enterprise_ids],
            trainer=Named(id=visit.trainer_id, name=names.get(visit.trainer_id)),
            co_trainers=[Named(id=one, name=names.get(one)) for one in visit.co_trainer_ids],
            starts_at=visit.starts_at,
            ends_at=visit.ends_at,
            zone=visit.zone,
            state=visit.state,
            offer=visit.offer,
            respond_by=visit.respond_by,
        )


class VisitDetail(VisitOut):
    offers: list[dict[str, Any]]
    """Whoever was asked, and with `goes_along` whoever was asked to go along."""
    reports: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    receipts: list[dict[str, Any]]
    """Suspicions that the reader raised on this visit: that they arrived."""


class VisitPage(BaseModel):
    items: list[VisitOut]
    next: str | None


class ActionOut(BaseModel):
    action_id: UUID
    finding_id: UUID
    visit_id: UUID
    enterprise: Named
    country: str
    item: int
    item_title: str
    grade: str
    owner: Named
    opened_at: datetime
    due_at: datetime | None
    verification: str
    state: str
    overdue_tier: int
    follow_up_visit_id: UUID | None

    @classmethod
    def of(cls, action: Action, names: Mapping[UUID, str]) -> "ActionOut":
        """`names` of persons and enterprises together."""
        return cls(
            action_id=action.action_id,
            finding_id=action.finding_id,
            visit_id=action.visit_id,
            enterprise=Named(id=action.enterprise_id, name=names.get(action.enterprise_id)),
            country=action.country,
            item=action.item,
            item_title=ITEMS[action.item],
            grade=action.grade,
            owner=Named(id=action.owner_id, name=names.get(action.owner_id)),
            opened_at=action.opened_at,
            due_at=action.due_at,
            verification=action.verification,
            state=action.state,
            overdue_tier=action.tier,
            follow_up_visit_id=action.follow_up_visit_id,
        )


class ActionDetail(ActionOut):
    finding_text: str
    evidence: list[dict[str, Any]]
    timeline: list[dict[str, Any]]


class ActionPage(BaseModel):
    items: list[ActionOut]
    next: str | None


class CaseOut(BaseModel):
    """A line of the list: states and clocks. Where it was seen stands on the case's own page."""

    case_id: UUID
    country: str
    item: int
    item_title: str
    stage: str
    standing: str
    tier: int
    step: int
    owner: Named | None
    due_at: datetime | None
    verification: str
    outcome: str | None
    opened_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, file: CaseFile, names: Mapping[UUID, str]) -> "CaseOut":
        """`names` of persons."""
        return cls(**case_fields(file, names))


class CaseDetail(CaseOut):
    pack: str
    pack_version: int
    enterprise: Named | None
    visit_id: UUID | None
    report_id: UUID | None
    raised_by: Named
    verification_visit_id: UUID | None
    proposed_outcome: str | None
    proposed_by: Named | None
    approved_by: Named | None
    texts: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    audit: list[dict[str, Any]]
    named: list[Named]
    excluded: list[dict[str, Any]]
    acts: list[str]
    """What the reader could do now."""


class CasePage(BaseModel):
    items: list[CaseOut]
    next: UUID | None
    counts: dict[str, int]


def named(person: UUID | None, names: Mapping[UUID, str]) -> Named | None:
    """A person by name, where there is one."""
    return None if person is None else Named(id=person, name=names.get(person))


def case_fields(file: CaseFile, names: Mapping[UUID, str]) -> dict[str, Any]:
    """What the list and the page have in common."""
    case = file.case
    return {
        "case_id": case.case_id,
        "country": case.country,
        "item": case.item,
        "item_title": ITEMS[case.item],
        "stage": case.stage,
        "standing": case.standing,
        "tier": case.tier,
        "step": case.step,
        "owner": named(case.owner_id, names),
        "due_at": case.due_at,
        "verification": case.verification,
        "outcome": case.outcome,
        "opened_at": case.opened_at,
        "closed_at": file.closed_at,
    }
