"""What a benchmark says: our figure beside the reference's, taken in the same run, and whether the target is met."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """`limit` is of the ratio ours / reference where there is a reference to divide by, else of our figure itself."""

    limit: float
    at_most: bool
    of_ratio: bool

    def is_met(self, row: Row) -> bool:
        value = row.ratio if self.of_ratio else row.ours
        assert value is not None, f"{row.job}: a ratio needs a reference"
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {_short(self.limit)}{' ×' if self.of_ratio else ''}"


def ratio_at_least(limit: float) -> Target:
    return Target(limit, at_most=False, of_ratio=True)


def ratio_at_most(limit: float) -> Target:
    return Target(limit, at_most=True, of_ratio=True)


def at_least(limit: float) -> Target:
    return Target(limit, at_most=False, of_ratio=False)


def at_most(limit: float) -> Target:
    return Target(limit, at_most=True, of_ratio=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Without a target it is there to be looked at."""

    job: str
    unit: str
    ours: float
    against: str = ""
    reference: float | None = None
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.reference if self.reference else None

    @property
    def met(self) -> bool | None:
        return self.target.is_met(self) if self.target else None

    def as_json(self) -> dict[str, Any]:
        return {
            "job": self.job,
            "unit": self.unit,
            "ours": self.ours,
            "against": self.against or None,
            "reference": self.reference,
            "ratio": self.ratio,
            "target": str(self.target) if self.target else None,
            "met": self.met,
        }


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds."""

    p50: float
    p99: float
    longest: float


def spread(seconds: Sequence[float]) -> Spread:
    """Of latencies; p99 of fewer than a hundred is their longest."""
    milliseconds = sorted(1000 * value for value in seconds)
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return Spread(cuts[49], cuts[98], milliseconds[-1])


def table(rows: Sequence[Row]) -> str:
    """As the command prints it, and as the docs show it."""
    head = ("job", "unit", "ours", "against", "reference", "ratio", "target", "met")
    lines = [
        (
            row.job,
            row.unit,
            _short(row.ours),
            row.against or "–",
            "–" if row.reference is None else _short(row.reference),
            "–" if row.ratio is None else f"{row.ratio:.2f}",
            str(row.target) if row.target else "–",
            {None: "–", True: "yes", False: "NO"}[row.met],
        )
        for row in rows
    ]
    widths = [max(len(line[place]) for line in (head, *lines)) for place in range(len(head))]
    texts = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
             for line in (head, *lines)]  # fmt: skip
    return "\n".join([texts[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *texts[1:]])


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
