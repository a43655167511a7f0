"""LISTEN/NOTIFY: a commit wakes whoever waits for it; every waiter has a slow poll of its own behind it."""

import asyncio
import contextlib
from collections.abc import Callable
from weakref import WeakSet

import asyncpg
import structlog

from shared.endings import at_end

_RECONNECT_SECONDS = 0.5
_PING_SECONDS = 5

_log = structlog.get_logger(__name__)


class Wakeup:
    """One waiter of one channel. `concerns` says of a payload whether it is woken by it; nothing said: by all."""

    def __init__(self, concerns: Callable[[str], bool] | None = None) -> None:
        self.concerns = concerns
        self._event = asyncio.Event()

    def hear(self, payload: str) -> None:
        """A notification came; one without a payload concerns everybody."""
        if not payload or self.concerns is None or self.concerns(payload):
            self.set()

    def set(self) -> None:
        """Wake the waiter now, or at its next wait."""
        self._event.set()

    def clear(self) -> None:
        """What was heard so far is seen by the look that follows."""
        self._event.clear()

    async def wait(self, timeout: float) -> bool:
        """True when woken, False when `timeout` seconds (machine time) went by. No task stands between the two."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._event.wait()
        woken = self._event.is_set()  # also when it was set in the moment in which the time ran out
        self._event.clear()
        return woken


class Wakeups:
    """One listening connection a process. A lost connection is opened again, and everybody is woken once."""

    def __init__(self, dsn: str, password: Callable[[], str] | None = None) -> None:
        self._dsn = dsn
        self._password = password
        self._waiters: dict[str, list[Wakeup]] = {}
        self._asked = Wakeup()
        _here.add(self)

    def on(self, channel: str, only: str | None = None) -> Wakeup:
        """A new waiter for `channel`, at any time: one that comes after `run` began is listened for from then on.

        `only` is the one payload that concerns it (a lane).
        """
        wakeup = Wakeup(None if only is None else only.__eq__)
        self._waiters.setdefault(channel, []).append(wakeup)
        self._asked.set()
        return wakeup

    def wake(self, channel: str, payload: str = "") -> None:
        """Wake the waiters of a channel in this process."""
        for waiter in self._waiters.get(channel, ()):
            waiter.hear(payload)

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as fault:
                _log.warning("wakeups.lost", fault=type(fault).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            self._dsn, password=self._password, timeout=5, server_settings={"application_name": "wakeups"}
        )
        listened: set[str] = set()
        try:
            while True:
                for channel in self._waiters.keys() - listened:
                    await connection.add_listener(channel, lambda _c, _p, name, payload: self.wake(name, payload))
                    listened.add(channel)
                    self.wake(channel)
                if not await self._asked.wait(_PING_SECONDS):
                    await connection.execute("select 1", timeout=5)  # notices a half-open connection
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)


_here: WeakSet[Wakeups] = WeakSet()


def wake_here(channel: str, payload: str = "", *, after: float = 0.0) -> None:
    """Wake who waits in this very process when the transaction at hand has ended: the notification comes later, by way of
    the server and of its listener. `after`: not before so many seconds (machine time). A waiter that is woken for nothing
    looks once for nothing.
    """

    def wake() -> None:
        for wakeups in list(_here):
            wakeups.wake(channel, payload)

    def end(_committed: bool) -> None:
        if after:
            asyncio.get_running_loop().call_later(after, wake)
        else:
            wake()

    at_end(end)
