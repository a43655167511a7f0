"""What a consumer group announces on its `<topic>.<group>.dlq` when it quarantines a record."""

from uuid import UUID

from shared.contracts.registry import Fact, contract


@contract(topic="*.dlq", key="notice_id")
class Quarantined(Fact):
    """Where the record stands and why it was set aside; its bytes stay in the group's own database."""

    notice_id: UUID
    group: str
    read_topic: str
    partition: int
    offset: int
    aggregate: UUID | None
    version: int | None
    reason: str
