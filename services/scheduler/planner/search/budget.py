"""Of what a search may use, seconds or work, how much is used up."""

from dataclasses import dataclass, replace
from time import monotonic

CELLS_PER_WORK = 12_000_000
"""Cells priced (one visit, trainer and day) that count as one unit of work: about a second on a core of 2024."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds since an instant, or work; of the whole, what lies between two shares."""

    begun: float
    seconds: float | None
    work: float | None
    since: float = 0.0
    until: float = 1.0

    @property
    def whole(self) -> float:
        """Seconds or work, all of it."""
        return max(1e-9, (self.seconds if self.work is None else self.work) or 0.0)

    def used(self, work: float) -> float:
        """The share of this part that is used up, given the work done so far."""
        used = (monotonic() - self.begun if self.work is None else work) / self.whole
        return (used - self.since) / max(1e-12, self.until - self.since)

    def amount(self, share: float) -> float:
        """Seconds or work in a share of this part."""
        return share * (self.until - self.since) * self.whole

    def part(self, since: float, until: float) -> "Budget":
        """What lies between two shares of this part."""
        size = self.until - self.since
        return replace(self, since=self.since + since * size, until=self.since + until * size)
