"""What use cases are given."""

from dataclasses import dataclass

from services.notifications.channels.outbound import Channels
from services.notifications.composition.composer import Composer
from services.notifications.settings import Settings
from services.notifications.use_cases.claims import FreeSenders
from shared.clock import Clock
from shared.db import Pool


@dataclass(frozen=True, slots=True)
class Deps:
    """`case_pool`: connections that only zero-tolerance work uses, so that a crowd of ordinary mail cannot hold it up."""

    pool: Pool
    case_pool: Pool
    clock: Clock
    settings: Settings
    composer: Composer
    channels: Channels
    free: FreeSenders | None = None
    """Senders of alerts, who are given what is queued while they are free."""
