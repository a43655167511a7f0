"""What the use cases of visits work with."""

from dataclasses import dataclass

from services.visits.packs import Packs
from services.visits.settings import Settings
from shared.clock import Clock
from shared.crypto import Sealer
from shared.db import Pool
from shared.taps import TapVerifier


@dataclass(frozen=True, slots=True)
class Deps:
    """Made once in `main.py`."""

    pool: Pool
    clock: Clock
    settings: Settings
    packs: Packs
    sealer: Sealer
    taps: TapVerifier
