"""What must be there before trainers can report and answer: one cohort whose baselines have begun, another that is just offered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from deploy.local.demo.actors import Actor, Refused
from deploy.local.demo.observing import NotObserved, instant, until
from shared.clock import SteeredClock
from tests.chaos.schedule import OFFERS, REPORTS

COUNTRY = "BD"
COORDINATOR = f"{COUNTRY}-COORD"
_MODULE = "WC"
_COHORT = 12
"""Enterprises: more do not fit into one classroom."""
_LASTS = timedelta(days=105)
_PATIENCE_SECONDS = 180.0
_AFTER_THE_START = timedelta(hours=3)
"""More than clocks are set back by."""
_BEFORE_MISSED = timedelta(hours=18)
_NOT_THERE = 404
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Visit:
    """`trainer`: under which name their token is kept."""

    visit_id: str
    trainer: str


@dataclass(slots=True)
class Visits:
    """In the order of their starts."""

    begun: list[Visit] = field(default_factory=list)
    offered: list[Visit] = field(default_factory=list)


@dataclass(slots=True)
class Programme:
    """`sign_in` gives somebody a token of their own, by their key; `settle` returns when all is quiet."""

    coordinator: Actor
    clock: SteeredClock
    origin: str
    sign_in: Callable[[str], Awaitable[str]]
    settle: Callable[[], Awaitable[None]]
    tokens: dict[str, str]

    async def prepare(self) -> Visits:
        """Two cohorts through the public API. Raises `NotObserved` or `Refused`."""
        await self.settle()  # the scheduler plans for whom it has heard of
        people = await self.coordinator.get("/directory/api/people", role="trainer", country=COUNTRY)
        keys = {person["person_id"]: person["key"] for person in people["items"]}
        made = Visits()
        baselines = await self._begin(await self._publish(1, self.clock.now().date()), keys)
        offered = await self._publish(1 + _COHORT, self.clock.now().date() + timedelta(days=7))
        made.begun = [await self._visit(one, keys) for one in baselines[:REPORTS]]
        made.offered = [await self._visit(one, keys) for one in offered[:OFFERS]]
        if (len(made.begun), len(made.offered)) != (REPORTS, OFFERS):
            starts = sorted(visit["starts_at"] for visit in baselines)
            raise NotObserved(f"{REPORTS} visits that begin within a day and {OFFERS} offers; begun: {starts}")
        await self.settle()
        return made

    async def _publish(self, first: int, day: date) -> Sequence[dict[str, Any]]:
        enterprises = [f"{COUNTRY}-E{number:02d}" for number in range(first, first + _COHORT)]
        body = {
            "country": COUNTRY,
            "module": _MODULE,
            "enterprise_keys": enterprises,
            "first_day": (day + timedelta(days=1)).isoformat(),
            "last_day": (day + _LASTS).isoformat(),
        }
        cohort_id = (await self.coordinator.post("/scheduler/api/cohorts", body))["cohort_id"]

        async def plan() -> Any:
            try:
                return await self.coordinator.get(f"/scheduler/api/cohorts/{cohort_id}/plan")
            except Refused as refused:
                if refused.status == _NOT_THERE:
                    await asyncio.sleep(_LOOK_SECONDS)  # who plans needs the processor
                    return None
                raise

        plan_id = (await until(plan, "the plan of a cohort", seconds=_PATIENCE_SECONDS))["plan_id"]
        await self.coordinator.post(f"/scheduler/api/plans/{plan_id}/publish", {"accept_unplaced": True})
        await self.settle()
        found = await self.coordinator.get("/visits/api/visits", cohort_id=cohort_id, limit="500")
        return sorted(found["items"], key=lambda visit: (visit["starts_at"], visit["visit_id"]))

    async def _begin(self, visits: Sequence[dict[str, Any]], keys: dict[str, str]) -> Sequence[dict[str, Any]]:
        """Everybody accepts; then it is the day on which most baselines have begun and do not count as missed yet."""
        for one in visits:
            visit = await self._visit(one, keys)
            trainer = Actor(visit.trainer, self.origin, token=self.tokens[visit.trainer])
            await trainer.post(f"/visits/api/visits/{visit.visit_id}/accept")
            await trainer.close()
        await self.settle()
        baselines = [visit for visit in visits if visit["kind"] == "baseline"]
        begun = max((_of_one_day(baselines, visit) for visit in baselines), key=len)
        self._jump(max(instant(visit["starts_at"]) for visit in begun) + _AFTER_THE_START)
        await self.settle()
        return begun

    def _jump(self, target: datetime) -> None:
        self.clock.jump_to(target)
        self.clock.run()

    async def _visit(self, visit: dict[str, Any], keys: dict[str, str]) -> Visit:
        key = keys[visit["trainer"]["id"]]
        if key not in self.tokens:
            self.tokens[key] = await self.sign_in(key)
        return Visit(visit["visit_id"], key)


def _of_one_day(visits: Sequence[dict[str, Any]], last: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that have begun when the last of them has, and are not missed for a while."""
    now = instant(last["starts_at"]) + _AFTER_THE_START
    return [
        visit
        for visit in visits
        if instant(visit["starts_at"]) <= instant(last["starts_at"])
        and now < instant(visit["ends_at"]) + _BEFORE_MISSED
    ]
