"""Seeing what the system did: is all quiet, which facts are on the log, which mail and SMS arrived.

Nothing here acts. The clock may be moved only while all is quiet, so that no fact in flight loses its deadline.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer

from deploy.local.demo.stage import Trust
from shared.kafka.access import KafkaAccess
from shared.kafka.topics import TOPICS

_POLL_SECONDS = 0.03
_PATIENCE_SECONDS = 60.0


class NotObserved(Exception):
    """Something that should have happened was not seen in time."""


async def until(condition: Callable[[], Any], what: str, *, seconds: float = _PATIENCE_SECONDS) -> Any:
    """Poll until `condition()` (plain or awaitable) is true; raises `NotObserved` naming what was missing."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return result
        if time.monotonic() > deadline:
            raise NotObserved(f"{what} (waited {seconds:.0f} s)")
        await asyncio.sleep(_POLL_SECONDS)


class Services:
    """The services' own `/status` addresses, where each says what waits."""

    def __init__(self, addresses: Mapping[str, str] | Callable[[], Mapping[str, str]]) -> None:
        self._addresses = addresses if callable(addresses) else lambda: addresses
        self._http = httpx.AsyncClient(timeout=5, trust_env=False)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def status(self) -> dict[str, dict[str, Any]]:
        """Every replica's /status; one that does not answer counts as busy."""
        addresses = self._addresses()
        answers = await asyncio.gather(*(self._one(address) for address in addresses.values()))
        return dict(zip(addresses, answers, strict=True))

    async def settle(self, *, seconds: float = _PATIENCE_SECONDS) -> None:
        """Return when two passes in a row found nothing waiting and no counter moved."""
        last: dict[str, Any] | None = None
        deadline = time.monotonic() + seconds
        while True:
            status = await self.status()
            counters = {name: one.get("counters") for name, one in status.items()}
            quiet = all(one.get("quiet") for one in status.values())
            if quiet and counters == last:
                return
            last = counters if quiet else None
            if time.monotonic() > deadline:
                busy = {name: _what_waits(one) for name, one in status.items() if not one.get("quiet")}
                raise NotObserved(f"the system did not become quiet; waiting: {json.dumps(busy)}")
            await asyncio.sleep(_POLL_SECONDS)

    async def _one(self, address: str) -> dict[str, Any]:
        try:
            answer = await self._http.get(address)
            answer.raise_for_status()
        except httpx.HTTPError as fault:
            return {"quiet": False, "waiting": {"answer": f"{type(fault).__name__}"}}
        found: dict[str, Any] = answer.json()
        return found


def _what_waits(status: Mapping[str, Any]) -> dict[str, Any]:
    waiting = {what: count for what, count in status.get("waiting", {}).items() if count}
    return waiting | ({"trouble": status["trouble"]} if status.get("trouble") else {})


@dataclass(frozen=True, slots=True)
class Event:
    """One record of a fact topic."""

    topic: str
    type: str
    key: str
    version: int
    data: Mapping[str, Any]


class Log:
    """Every fact on the log, read by a principal that may only read."""

    def __init__(self, access: KafkaAccess) -> None:
        names = [topic.name for topic in TOPICS if not topic.is_state]
        self._access = access
        self._consumer: AIOKafkaConsumer = access.reader(*names)
        self._task: asyncio.Task[None] | None = None
        self.events: list[Event] = []

    async def start(self) -> None:
        """Read from the beginning on, in the background."""
        await self._access.start(self._consumer)
        self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Stop reading."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._consumer.stop()

    async def has(self, kind: str, *, after: int = 0, **fields: object) -> Event:
        """Wait for a fact of this kind whose fields have these values, at or after a position of `events`."""
        wanted = {name: str(value) for name, value in fields.items()}

        def find() -> Event | None:
            for event in self.events[after:]:
                if event.type == f"gemba.{kind}.v1" and all(
                    str(event.data.get(name)) == value for name, value in wanted.items()
                ):
                    return event
            return None

        found: Event = await until(find, f"{kind} {wanted} on the log")
        return found

    async def _read(self) -> None:
        async for record in self._consumer:
            headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
            try:
                data = json.loads(record.value or b"null")
            except ValueError:
                data = None
            self.events.append(
                Event(
                    record.topic,
                    headers.get("ce_type", ""),
                    (record.key or b"").decode(errors="replace"),
                    int(headers.get("ce_version") or 0),
                    data if isinstance(data, dict) else {},
                )
            )


class Inbox:
    """The development inbox that catches mail and SMS."""

    def __init__(self, origin: str, *, trust: Trust = True) -> None:
        self._http = httpx.AsyncClient(base_url=origin, timeout=10, trust_env=False, verify=trust)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def messages(self, to: str | None = None) -> list[dict[str, Any]]:
        """What arrived, oldest first."""
        answer = await self._http.get("/inbox/api/messages", params={"to": to} if to else {})
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    async def expect(
        self, to: str, what: str, matches: Callable[[dict[str, Any]], bool], *, seconds: float = _PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Wait for a message to an address; `what` names it when it does not come. The newest one that matches."""

        async def find() -> dict[str, Any] | None:
            fitting = [message for message in await self.messages(to) if matches(message)]
            return fitting[-1] if fitting else None

        found: dict[str, Any] = await until(find, f"a message to {to}: {what}", seconds=seconds)
        return found


def instant(text: str) -> datetime:
    """Parse an instant of an answer."""
    return datetime.fromisoformat(text)
