"""A burst's clients speak HTTP by hand, so what they understand of it is looked at on a real connection."""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos.burst import Burst
from tests.chaos.crowd import ask_all

CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnext\r\n2\r\n{}\r\n0\r\n\r\n"
LATER = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nbusy"
BUG = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"


async def burst_on(answer: bytes, *, hangs_up: bool = False) -> tuple[Burst, list[bytes]]:
    """Three clients, until ten requests were answered."""
    asked: list[bytes] = []
    answered = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                asked.append(head + await reader.readexactly(2))
            except (EOFError, OSError):
                break
            writer.write(answer)
            if len(asked) >= 10:
                answered.set()
            if hangs_up:
                break
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        request = {"method": "POST", "url": "/x", "json_body": {}, "headers": {"Idempotency-Key": "k"}}
        wanted = {"origin": f"http://127.0.0.1:{port}", "seconds": 0.3, "seed": 1, "clients": 3, "requests": [request]}
        found = await ask_all(wanted)
        await asyncio.wait_for(answered.wait(), 5)
    return found, asked


@pytest.mark.parametrize("answer", [CREATED, CHUNKED])
async def test_a_client_asks_one_thing_after_the_other_on_its_connection(answer: bytes) -> None:
    found, asked = await burst_on(answer)
    assert len(found.seconds) == len(asked) >= 10
    assert not found.otherwise
    assert asked[0].startswith(b"POST /x HTTP/1.1\r\n")
    assert b"\r\nIdempotency-Key: k\r\n" in asked[0]
    assert asked[0].endswith(b"\r\n\r\n{}")


async def test_what_was_said_is_counted_by_what_it_was() -> None:
    told, asked = await burst_on(LATER)
    assert told.told_when == len(asked)
    bugs, asked = await burst_on(BUG)
    assert bugs.otherwise == {"500": len(asked)}


async def test_a_connection_that_ends_is_opened_again_and_counted() -> None:
    found, asked = await burst_on(b"", hangs_up=True)
    assert sum(found.otherwise.values()) == len(asked)
    assert not found.seconds
