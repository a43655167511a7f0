"""`python -m tests.chaos.crowd`: a burst's clients, in a process of their own, so that what they wait for is the service alone.

Reads what to ask as JSON on standard input, asks until the time is over, and writes what became of it as JSON. Every
client has a connection of its own and says no more HTTP than it must: eighty clients of a library, with a pool for all,
waited for each other's bookkeeping and took that for the service.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.burst import Burst

_ANSWER_SECONDS = 8.0
_FIRST = -10
"""Clients have machines of their own: here they must not wait for a processor behind those whom they ask."""


async def ask_all(wanted: Mapping[str, Any]) -> Burst:
    """So many clients at once, each with one request after the other; who is told when to come again comes then.

    `origin` is `http://host:port`.
    """
    found, until = Burst(), time.monotonic() + wanted["seconds"]
    place = urlsplit(wanted["origin"])
    requests = [_written(place.netloc, **request) for request in wanted["requests"]]

    async def client(number: int) -> None:
        chance = random.Random(f"{wanted['seed']} {number}")
        while time.monotonic() < until:
            try:
                connection = await asyncio.open_connection(place.hostname, place.port)
                await _converse(*connection, requests, chance, found, until)
            except (OSError, EOFError, TimeoutError) as fault:
                found.otherwise[type(fault).__name__] += 1

    await asyncio.gather(*(client(number) for number in range(wanted["clients"])))
    return found


async def _converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    requests: list[bytes],
    chance: random.Random,
    found: Burst,
    until: float,
) -> None:
    try:
        while time.monotonic() < until:
            began = time.monotonic()
            writer.write(chance.choice(requests))
            async with asyncio.timeout(_ANSWER_SECONDS):
                status, headers = await _read(reader)
            pause = found.note(status, headers, time.monotonic() - began)
            await asyncio.sleep(min(pause, max(0.0, until - time.monotonic())))
    finally:
        writer.close()


def _written(host: str, *, method: str, url: str, json_body: Any, headers: Mapping[str, str]) -> bytes:
    body = json.dumps(json_body).encode()
    own = {"Host": host, "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    lines = [f"{method} {url} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def _read(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer; its body is read to the end and forgotten. Raises EOFError."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if "content-length" in headers:
        await reader.readexactly(int(headers["content-length"]))
    elif headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    return int(first.split(" ", 2)[1]), headers


if __name__ == "__main__":
    with suppress(PermissionError):
        os.nice(_FIRST)
    json.dump(asyncio.run(ask_all(json.load(sys.stdin))).as_json(), sys.stdout)
