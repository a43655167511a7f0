"""A relay between a service and a server, which can cut, hold, slow down and tear what goes through it.

Our own and small, so that the campaign needs nothing installed: one listener, two pumps per connection, one mode for all.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local import process

_CHUNK = 65_536
_LATE_SECONDS = 0.4
_SLOW_BYTES = 4_096
_BUSY = b"421 4.3.2 Service not available, closing transmission channel\r\n"

PASS = "pass"

Tears = Callable[[bytes], bool]
"""Whether what a client just said is what the reply to must be lost."""

TEARS: dict[str, Tears] = {
    "postgres": lambda said: b"COMMIT" in said,
    "smtp": lambda said: said.endswith(b"\r\n.\r\n"),
    "kafka": lambda said: len(said) > 300,
}


@dataclass(eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    torn: bool = False

    def abort(self) -> None:
        for writer in (self.client, self.server):
            if writer is None:
                continue
            sock = writer.get_extra_info("socket")
            if sock is not None:
                with contextlib.suppress(OSError):  # a reset, not a polite end
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            writer.transport.abort()


class Wire:
    """Listens on `port` and carries to `target` on the loopback."""

    def __init__(self, name: str, target: int) -> None:
        self.name = name
        self.port = process.free_port()
        self.torn = 0
        """Replies that were lost on purpose."""
        self._target = target
        self._tears = TEARS[name.split("-", maxsplit=1)[0]]
        self._mode = PASS
        self._open: set[_Connection] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        self._listener = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._listener:
            self._listener.close()
        self._end_all()

    def set(self, mode: str) -> None:
        """`pass`, `cut`, `half-open`, `latency`, `slow`, `reset` or `busy`."""
        was, self._mode = self._mode, mode
        if mode == "half-open":
            self._flows.clear()
            return
        self._flows.set()
        if mode == "cut" or was == "half-open":
            self._end_all()  # what stood still for so long is forgotten by whatever was in between

    def _end_all(self) -> None:
        for connection in list(self._open):
            connection.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(writer)
        self._open.add(connection)
        try:
            if self._mode == "cut":
                return
            if self._mode == "busy":
                writer.write(_BUSY)
                await writer.drain()
                writer.close()
                return
            await self._flows.wait()
            answers, server = await asyncio.open_connection("127.0.0.1", self._target)
            connection.server = server
            await asyncio.gather(
                self._pump(reader, server, connection, is_reply=False),
                self._pump(answers, writer, connection, is_reply=True),
            )
        except (OSError, EOFError):
            pass  # one end is gone, so is the other one
        finally:
            connection.abort()
            self._open.discard(connection)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: _Connection, *, is_reply: bool
    ) -> None:
        while data := await reader.read(_SLOW_BYTES if self._mode == "slow" else _CHUNK):
            await self._flows.wait()
            if self._mode == "reset":
                if is_reply and connection.torn:
                    self.torn += 1
                    raise ConnectionResetError
                connection.torn = connection.torn or (not is_reply and self._tears(data))
            if self._mode == "latency" and is_reply:
                await asyncio.sleep(_LATE_SECONDS)
            if self._mode == "slow":
                await asyncio.sleep(len(data) / _SLOW_BYTES)
            writer.write(data)
            await writer.drain()
        raise EOFError
