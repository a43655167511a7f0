"""How often replicas were given a fact that they had handled before: by their own count, which ends with their process."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
from prometheus_client.parser import text_string_to_metric_families

COUNTER = "gemba_facts_repeated_total"


class Repeats:
    """Looked at after each fault, so that what a process counted is read before the next one can end it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._last: dict[int, float] = {}
        self.total = 0

    async def look(self, ports: Sequence[int]) -> None:
        """Add what was counted since the last time. A process that was started again begins at nothing."""
        for port in ports:
            try:
                answer = await self._http.get(f"http://127.0.0.1:{port}/metrics")
            except httpx.HTTPError:
                continue
            counted, before = counted_in(answer.text), self._last.get(port, 0.0)
            self.total += int(counted - before if counted >= before else counted)
            self._last[port] = counted


def counted_in(metrics: str) -> float:
    """Over all consumer groups of one replica."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == COUNTER
    )
