"""`gemba.finding`: ordinary findings (owner: visits). A zero-tolerance suspicion is a case, never a finding here."""

from uuid import UUID

from shared.contracts.registry import Fact, contract
from shared.contracts.values import Grade


@contract(topic="gemba.finding", key="finding_id")
class FindingRecorded(Fact):
    """`item` is the clause of the ETI Base Code, 1 to 9."""

    finding_id: UUID
    visit_id: UUID
    enterprise_id: UUID
    country: str
    item: int
    grade: Grade
