"""Clients of the public HTTP API that insist: the same request with the same key until it is answered with success."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import httpx

from tests.chaos.ledger import Ledger, Line
from tests.chaos.programme import COUNTRY, Visit, Visits
from tests.chaos.schedule import Command, Schedule, Story

CLIENTS = 8
PATIENCE_SECONDS = 180.0
_ANSWER_SECONDS = 8.0
_LONGEST_PAUSE_SECONDS = 0.2
_AGAIN_SECONDS = 0.25
_WHO = {"raise": "deputy", "acknowledge": "officer", "note": "officer", "propose": "officer", "approve": "head",
        "evidence": "coordinator", "return": "coordinator", "verify": "coordinator"}  # fmt: skip


class Refused(Exception):
    """An answer that says no for good: nothing in the schedule deserves one."""


class Load:
    """All stories, by `CLIENTS` clients side by side; `allow` says how many commands may have been sent by now."""

    def __init__(
        self, schedule: Schedule, origin: str, tokens: Mapping[str, str], visits: Visits, ledger: Ledger
    ) -> None:
        self._schedule = schedule
        self._ledger = ledger
        self._visits = visits
        self._actions: dict[int, str] = {}
        """The action of a report's first finding, by the story's number: only the answer tells its id."""
        self._limit = 0
        self._moved = asyncio.Condition()
        self._halted = False
        self.refused: list[str] = []
        self._http = {
            who: httpx.AsyncClient(
                base_url=origin,
                timeout=_ANSWER_SECONDS,
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
            )
            for who, token in tokens.items()
        }

    async def allow(self, limit: int) -> None:
        async with self._moved:
            self._limit = limit
            self._moved.notify_all()

    async def sent(self, count: int) -> None:
        """Return when so many commands have been sent, or no more will be."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._ledger.sent >= count or self._halted)

    async def halt(self) -> None:
        """Begin nothing more; what was sent is still insisted upon."""
        async with self._moved:
            self._halted = True
            self._moved.notify_all()

    async def run(self) -> None:
        """Return when every command was answered; raises `Refused`, or TimeoutError when one is not answered."""
        try:
            async with asyncio.TaskGroup() as clients:
                for number in range(CLIENTS):
                    clients.create_task(self._client(self._schedule.stories[number::CLIENTS], number))
        finally:
            for http in self._http.values():
                await http.aclose()

    async def _client(self, stories: Sequence[Story], number: int) -> None:
        chance = random.Random(f"{self._schedule.seed} {number}")
        for story in stories:
            for command in story.commands:
                async with self._moved:
                    await self._moved.wait_for(lambda: self._ledger.sent < self._limit or self._halted)
                    if self._halted:
                        return
                    line = self._ledger.begin(story, command, self._about(story, command))
                    line.request = self.request_of(story, command)
                    self._moved.notify_all()
                await self._insist(line)
                await asyncio.sleep(chance.uniform(0, _LONGEST_PAUSE_SECONDS))

    async def _insist(self, line: Line) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not await self._try(line):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{line.command.act} of {line.about} was not answered with success: {line.answers}")
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _try(self, line: Line) -> bool:
        """One attempt; whether it was answered with success. Raises `Refused` for a no."""
        act, (who, path, body) = line.command.act, line.request
        began = time.monotonic()
        try:
            answer = await self._http[who].post(path, json=body, headers={"Idempotency-Key": line.command.key})
        except httpx.TransportError as fault:
            said, status = type(fault).__name__, 503
        else:
            said, status = str(answer.status_code), answer.status_code
        line.slowest = max(line.slowest, time.monotonic() - began)
        is_done = 200 <= status < 300
        self._ledger.note(line, said, acknowledged=is_done)
        if 400 <= status < 500 and status != 429:
            self.refused.append(f"{act} of {line.about}: {status} {answer.text[:300]}")
            raise Refused(self.refused[-1])
        if is_done and act == "report":
            self._actions[line.story.number] = answer.json()["action_ids"][0]
        return is_done

    def _about(self, story: Story, command: Command) -> str:
        if story.kind == "case":
            return story.subject
        if command.act in {"report", "accept", "decline"}:
            return self._visit(story).visit_id
        return self._actions[story.number]

    def _visit(self, story: Story) -> Visit:
        return (self._visits.begun if story.kind == "report" else self._visits.offered)[story.place]

    def request_of(self, story: Story, command: Command) -> tuple[str, str, dict[str, object]]:
        """Who asks, path and body: a POST."""
        about, act = self._about(story, command), command.act
        if story.kind != "case":
            if act in {"report", "accept", "decline"}:
                return self._visit(story).trainer, f"/visits/api/visits/{about}/{act}", _VISIT_BODIES[act](story)
            return _WHO[act], f"/visits/api/actions/{about}/{act}", _ACTION_BODIES[act]
        root = "/visits/api/cases"
        if act == "raise":
            text = "Seen at the gate this morning."
            return _WHO[act], root, {"case_id": about, "item": story.item, "text": text, "country": COUNTRY}
        wishes: dict[str, tuple[str, dict[str, object]]] = {
            "acknowledge": ("acknowledge", {"take_over": True}),
            "note": ("note", {"text": f"Spoke to them again, {command.key[:8]}."}),
            "propose": ("propose-closure", {"outcome": "cancelled", "reason": "It was not so."}),
            "approve": ("approve-closure", {}),
        }
        path, body = wishes[act]
        return _WHO[act], f"{root}/{about}/{path}", body


def _report(story: Story) -> dict[str, object]:
    findings = [asdict(finding) | {"text": "No guard at the saw."} for finding in story.findings]
    who = {"managers": 2, "workers": 2}
    return {"report_id": story.subject, "participants": who, "summary": "As agreed.", "findings": findings}


_VISIT_BODIES: Mapping[str, Callable[[Story], dict[str, object]]] = {
    "report": _report,
    "accept": lambda _: {},
    "decline": lambda _: {"reason": "workload"},
}
_ACTION_BODIES: Mapping[str, dict[str, object]] = {
    "evidence": {"text": "The guard is back on the saw."},
    "return": {"reason": "The picture shows another saw."},
    "verify": {},
}
