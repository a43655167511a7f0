"""How much each replica's memory grew while something went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deploy.local import process
from deploy.local.installation import Installation

MOST_MEBIBYTES = 64
_LOOK_SECONDS = 1.0
_MEBIBYTE = 1 << 20


@dataclass(slots=True)
class Growth:
    """Bytes that each process held when it was seen first, and at most."""

    first: dict[int, int] = field(default_factory=dict)
    most: dict[int, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def look(self, gemba: Installation) -> None:
        """Of services alone, without the planner's workers, which come and go with its work.

        A process that was started again is another one, and is still growing up: left out.
        """
        is_first = not self.first
        for name, pid in gemba.supervisor.pids().items():
            size = process.memory_of_one(pid) if name in gemba.replicas else None
            if size is None:
                continue
            if is_first:
                self.first[pid], self.names[pid] = size, name
            if pid in self.first:
                self.most[pid] = max(self.most.get(pid, 0), size)

    def worst(self) -> tuple[str, int]:
        """The replica that grew by most, and by how many MiB."""
        grew = {pid: self.most[pid] - first for pid, first in self.first.items() if pid in self.most}
        pid = max(grew, key=lambda one: grew[one], default=None)
        return ("", 0) if pid is None else (self.names[pid], grew[pid] // _MEBIBYTE)


@asynccontextmanager
async def watched(gemba: Installation) -> AsyncIterator[Growth]:
    """Look once a second while the context is open."""
    growth = Growth()
    growth.look(gemba)

    async def keep_looking() -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await asyncio.to_thread(growth.look, gemba)

    looking = asyncio.create_task(keep_looking())
    try:
        yield growth
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
