"""The newest messages in memory and in one file, so that a restart keeps them."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.inbox.message import Message, read_mail, read_sms

KEPT = 5_000


class Store:
    """Appends each message to the file before it counts as accepted."""

    def __init__(self, path: Path, *, kept: int = KEPT) -> None:
        self._path = path
        self._kept = kept
        self._messages: deque[Message] = deque(maxlen=kept)
        self._arrived = asyncio.Condition()
        self._lines = 0
        self._load()

    def _load(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                try:
                    self._messages.append(Message.from_json(json.loads(line)))
                except (ValueError, TypeError):
                    continue  # the last line of a process that was killed while it wrote
        self._rewrite()

    def _rewrite(self) -> None:
        new = self._path.with_suffix(".new")
        new.touch(mode=0o600)
        with new.open("w", encoding="utf-8") as file:
            for message in self._messages:
                file.write(json.dumps(message.as_json()) + "\n")
        new.replace(self._path)
        self._lines = len(self._messages)

    @property
    def last_id(self) -> int:
        return self._messages[-1].id if self._messages else 0

    async def add_mail(self, to: list[str], sender: str, content: bytes) -> Message:
        return await self._add(lambda number, at: read_mail(number, at, to, sender, content))

    async def add_sms(self, to: str, text: str, identifier: str) -> tuple[Message, bool]:
        """The message, and whether it is new: a repeated id is one message with more attempts."""
        for index, known in enumerate(self._messages):
            if identifier and known.kind == "sms" and known.message_id == identifier:
                self._messages[index] = replace(known, attempts=known.attempts + 1)
                self._rewrite()
                return self._messages[index], False
        added = await self._add(lambda number, at: read_sms(number, at, to, text, identifier))
        return added, True

    async def _add(self, make: Callable[[int, datetime], Message]) -> Message:
        async with self._arrived:
            # Real time on purpose: it says when the post came, whatever the clock of the demo.
            message = make(self.last_id + 1, datetime.now(UTC))
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(message.as_json()) + "\n")
            self._messages.append(message)
            self._lines += 1
            if self._lines > 2 * self._kept:
                self._rewrite()
            self._arrived.notify_all()
        return message

    def get(self, number: int) -> Message | None:
        return next((each for each in self._messages if each.id == number), None)

    def find(self, *, to: str = "", since: int = 0, kind: str = "") -> list[Message]:
        """Oldest first. ``to`` is a whole address or number, in any case."""
        wanted = to.casefold()
        return [
            each
            for each in self._messages
            if each.id > since
            and (not wanted or wanted in (address.casefold() for address in each.to))
            and (not kind or each.kind == kind)
        ]

    async def wait_for(self, *, to: str, since: int, kind: str, seconds: float) -> list[Message]:
        """Like ``find``, but waits until there is something, at most so long."""
        try:
            async with asyncio.timeout(seconds), self._arrived:
                while not (found := self.find(to=to, since=since, kind=kind)):
                    await self._arrived.wait()
                return found
        except TimeoutError:
            return []

    def mailboxes(self) -> list[tuple[str, int]]:
        """Everybody who got something, with how much, the most recent first."""
        counts: dict[str, int] = {}
        for each in reversed(self._messages):
            for address in each.to:
                counts[address] = counts.get(address, 0) + 1
        return list(counts.items())
