"""`gemba.command`: wishes from outside systems. The sender repeats until it is answered with its request id."""

from datetime import date
from uuid import UUID

from shared.contracts.registry import Command, contract


@contract(topic="gemba.command", key="request_id")
class RequestCohort(Command):
    """Create a cohort; answered on `gemba.cohort` by `CohortCreated` or `CohortRefused`."""

    request_id: UUID
    country: str
    module: str
    enterprise_keys: tuple[str, ...]
    trainer_keys: tuple[str, ...]
    first_day: date
    last_day: date
