"""The relay that stands between services and servers does to a connection what its mode says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.chaos.wire import Wire


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """To a server that answers each line with the same line."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    made = Wire("postgres-visits", server.sockets[0].getsockname()[1])
    await made.start()
    yield made
    await made.stop()
    server.close()


async def asked(wire: Wire, said: bytes = b"hello\n") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    try:
        writer.write(said)
        return await asyncio.wait_for(reader.readline(), 0.3)
    finally:
        writer.close()


async def test_it_carries_both_ways(wire: Wire) -> None:
    assert await asked(wire) == b"hello\n"


async def test_a_cut_ends_what_is_open_and_lets_nobody_in(wire: Wire) -> None:
    reader, _ = await asyncio.open_connection("127.0.0.1", wire.port)
    assert await asked(wire) == b"hello\n"
    wire.set("cut")
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(reader.readexactly(1), 2)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError, AssertionError)):
        assert await asked(wire) == b"hello\n"
    wire.set("pass")
    assert await asked(wire) == b"hello\n"


async def test_half_open_takes_everything_and_answers_nothing(wire: Wire) -> None:
    wire.set("half-open")
    with pytest.raises(TimeoutError):
        await asked(wire)
    wire.set("pass")
    assert await asked(wire) == b"hello\n"


async def test_late_answers_are_late(wire: Wire) -> None:
    wire.set("latency")
    with pytest.raises(TimeoutError):
        await asked(wire)


async def test_a_reset_loses_the_reply_to_a_commit_and_no_other(wire: Wire) -> None:
    wire.set("reset")
    assert await asked(wire, b"select 1\n") == b"select 1\n"
    with pytest.raises(ConnectionError):
        await asked(wire, b"COMMIT;\n")
    assert wire.torn == 1


async def test_a_busy_mail_server_says_so(wire: Wire) -> None:
    wire.set("busy")
    assert (await asked(wire)).startswith(b"421 ")
