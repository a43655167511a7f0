"""`gemba.cohort`: cohorts from creation to their closing figures (owner: scheduler)."""

from datetime import date
from uuid import UUID

from shared.contracts.registry import Fact, contract

_TOPIC = "gemba.cohort"


@contract(topic=_TOPIC, key="cohort_id")
class CohortCreated(Fact):
    cohort_id: UUID
    request_id: UUID | None
    country: str
    module: str
    delivery_plan: str
    enterprise_ids: tuple[UUID, ...]
    first_day: date
    last_day: date
    created_by: UUID | None


@contract(topic=_TOPIC, key="request_id")
class CohortRefused(Fact):
    """The answer to a command that could not be granted; keyed by the request, for there is no cohort."""

    request_id: UUID
    code: str
    field: str | None


@contract(topic=_TOPIC, key="cohort_id")
class CohortPlanned(Fact):
    """A plan was stored as a proposal; nobody is told yet."""

    cohort_id: UUID
    country: str
    plan_id: UUID
    placed: int
    unplaced: int


@contract(topic=_TOPIC, key="cohort_id")
class CohortPublished(Fact):
    cohort_id: UUID
    country: str
    plan_id: UUID
    visit_ids: tuple[UUID, ...]


@contract(topic=_TOPIC, key="cohort_id")
class CohortCancelled(Fact):
    cohort_id: UUID
    country: str
    reason: str


@contract(topic=_TOPIC, key="cohort_id")
class CohortCompleted(Fact):
    """Every visit of the cohort is reported or withdrawn. Figures identify nobody."""

    cohort_id: UUID
    country: str
    visits_planned: int
    visits_reported: int
    visits_withdrawn: int
    visits_moved: int
    enterprises: int = 0
    offers_declined: int = 0
    """Declined or left unanswered: how often somebody else had to be asked."""
