"""What requests carry. Case text is `SecretStr`: neither a repr nor a validation error can show it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from services.visits.domain.case import Outcome
from services.visits.use_cases.submit_report import FindingLine, SuspicionLine
from shared.contracts.values import Grade
from shared.crypto import SealedText

Item = Annotated[int, Field(ge=1, le=9, description="Clause of the ETI Base Code")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
NeededText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
CaseText = Annotated[SecretStr, Field(min_length=1, max_length=8000)]
Count = Annotated[int, Field(ge=0, le=1000)]


class Body(BaseModel):
    """Unknown fields are refused: a misspelt one must not be dropped in silence."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class AcceptBody(Body):
    """`offer` names the offer that is answered; without it, the last one made to you."""

    offer: int | None = Field(default=None, ge=1)


class DeclineBody(AcceptBody):
    reason: str = Field(description="illness, leave, conflict_of_interest, workload, travel, other")


class RescheduleBody(Body):
    reason: str = Field(description="illness, enterprise_request, travel, conflict, missed, other")


class Participants(Body):
    managers: Count = 0
    workers: Count = 0


class FindingBody(Body):
    finding_id: UUID | None = None
    item: Item
    grade: Grade
    text: NeededText
    enterprise_id: UUID | None = None

    def line(self, fresh: UUID) -> FindingLine:
        """As the use case takes it; `fresh` where the phone made no id."""
        return FindingLine(self.finding_id or fresh, self.item, self.grade, self.text, self.enterprise_id)


class SuspicionBody(Body):
    finding_id: UUID | None = None
    item: Item
    text: CaseText
    named_person_ids: tuple[UUID, ...] = Field(default=(), max_length=20)
    enterprise_id: UUID | None = None

    def line(self, fresh: UUID) -> SuspicionLine:
        """As the use case takes it, the text sealed from accidental eyes."""
        return SuspicionLine(
            self.finding_id or fresh, self.item, sealed(self.text), self.enterprise_id, self.named_person_ids
        )


class ReportBody(Body):
    report_id: UUID | None = None
    whole: bool = True
    participants: Participants = Participants()
    summary: Text = ""
    findings: tuple[FindingBody, ...] = Field(default=(), max_length=50)
    suspicions: tuple[SuspicionBody, ...] = Field(default=(), max_length=10)


class RaiseSuspicionBody(Body):
    """`finding_id` is made on the phone, so that the report that follows links to the same sighting."""

    finding_id: UUID
    item: Item
    text: CaseText
    visit_id: UUID | None = None
    enterprise_id: UUID | None = None
    named_person_ids: tuple[UUID, ...] = Field(default=(), max_length=20)


class RaiseCaseBody(Body):
    case_id: UUID | None = None
    item: Item
    text: CaseText
    country: str = Field(pattern="^[A-Z]{2}$")
    enterprise_id: UUID | None = None
    named_person_ids: tuple[UUID, ...] = Field(default=(), max_length=20)


class AcknowledgeBody(Body):
    take_over: bool = False


class NoteBody(Body):
    text: CaseText
    named_person_ids: tuple[UUID, ...] = Field(default=(), max_length=20)


class OptionalTextBody(Body):
    text: SecretStr | None = Field(default=None, max_length=8000)


class ProposeBody(Body):
    outcome: Outcome
    reason: SecretStr | None = Field(default=None, max_length=8000)


class ReasonBody(Body):
    reason: CaseText


class EvidenceBody(Body):
    evidence_id: UUID | None = None
    text: NeededText


class ReturnEvidenceBody(Body):
    reason: NeededText


class FollowUpBody(Body):
    earliest_at: AwareDatetime | None = None
    latest_at: AwareDatetime | None = None


class EmptyBody(Body):
    """Nothing to say."""


class ReceiptOut(BaseModel):
    """All that the finder of a suspicion sees: it arrived, and somebody is being alerted."""

    finding_id: UUID
    received_at: datetime


def sealed(text: SecretStr) -> SealedText:
    """From the request's wrapping to the house's."""
    return SealedText(text.get_secret_value())


def sealed_or_none(text: SecretStr | None) -> SealedText | None:
    """The same where there may be none."""
    return None if text is None else sealed(text)
