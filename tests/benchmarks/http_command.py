"""HTTP command: validate, three statements, commit, sixteen connections: our web stack against bare ASGI.

Both are processes of their own on uvicorn, httptools and uvloop, with the same three inserts. Ours verifies the signed
identity, the origin, the size of the body and the model, writes a log line and counts its metrics besides.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local import process
from deploy.local.keys import make_missing_keys
from deploy.local.state import ROOT
from shared.auth import HEADER, LIFETIME_SECONDS, Identity, sign_identity
from shared.crypto import load_signing_key
from shared.ids import new_id
from tests.benchmarks.figures import Row, Spread, ratio_at_least, spread
from tests.benchmarks.stage import Stage

_CONNECTIONS = 16
_ROUNDS = 3
_OURS, _BARE = "tests.benchmarks.peers.our_command", "tests.benchmarks.peers.bare_command"
_ORIGIN = "http://localhost"


async def measure(stage: Stage, size: int) -> list[Row]:
    """`size` commands in each of three rounds of both sides in turn; the median of the rates."""
    rates: dict[str, list[float]] = {_OURS: [], _BARE: []}
    late: dict[str, list[Spread]] = {_OURS: [], _BARE: []}
    with tempfile.TemporaryDirectory(prefix="gemba-bench-") as keys:
        make_missing_keys(Path(keys))
        async with _served(stage, _OURS, Path(keys)) as ours, _served(stage, _BARE, Path(keys)) as bare:
            for port in (ours, bare):
                await _load(port, size // 10, Path(keys))
            for _ in range(_ROUNDS):
                for name, port in ((_BARE, bare), (_OURS, ours)):
                    stage.tidy()
                    rate, taken = await _load(port, size, Path(keys))
                    rates[name].append(rate)
                    late[name].append(taken)
    job = f"HTTP command, {_CONNECTIONS} connections"
    middle = {name: statistics.median(values) for name, values in rates.items()}
    p99 = {name: statistics.median(one.p99 for one in values) for name, values in late.items()}
    return [
        Row(job, "commands/s", middle[_OURS], "bare ASGI", middle[_BARE], ratio_at_least(0.75)),
        Row(f"{job}, p99", "ms", p99[_OURS], "bare ASGI", p99[_BARE]),
    ]


@asynccontextmanager
async def _served(stage: Stage, module: str, keys: Path) -> AsyncIterator[int]:
    port = process.free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, str(port), stage.bare_database(), str(keys), _ORIGIN),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                if time.monotonic() > deadline or child.returncode is not None:
                    raise
                await asyncio.sleep(0.1)
        yield port
    finally:
        child.terminate()
        await child.wait()


async def _load(port: int, count: int, keys: Path) -> tuple[float, Spread]:
    """Commands a second, and how long each took, from sixteen connections that are kept."""
    asker = _Asker(keys)
    left, taken = iter(range(count)), []
    start = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for _ in left:
                sent = time.perf_counter()
                await _command(reader, writer, asker.headers())
                taken.append(time.perf_counter() - sent)
        finally:
            writer.close()

    await asyncio.gather(*(client() for _ in range(_CONNECTIONS)))
    return count / (time.perf_counter() - start), spread(taken)


async def _command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: Mapping[str, str]) -> None:
    body = json.dumps({"visit_id": str(new_id()), "reason": "illness"}).encode()
    sent = {**headers, "Idempotency-Key": str(new_id()), "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    writer.write(f"POST /visits/api/things HTTP/1.1\r\n{head}\r\n".encode() + body)
    status = await reader.readline()
    length = 0
    while (line := await reader.readline()) != b"\r\n":
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    answer = await reader.readexactly(length)
    if b" 201 " not in status:
        raise RuntimeError(f"{status!r} {answer[:300]!r}")


class _Asker:
    """Somebody whose signed identity is renewed before its minute is over, as the web origin would."""

    def __init__(self, keys: Path) -> None:
        self._key = load_signing_key(keys / "identity.pem")
        self._signed, self._signed_at = "", 0.0

    def headers(self) -> dict[str, str]:
        if time.time() - self._signed_at > LIFETIME_SECONDS / 2:
            self._signed, self._signed_at = self._sign(), time.time()
        return {HEADER: self._signed, "Content-Type": "application/json", "Host": "localhost", "Origin": _ORIGIN}

    def _sign(self) -> str:
        identity = Identity(
            str(new_id()), "A Trainer", frozenset({"trainer"}), frozenset({"BD"}), "s", "token", "UTC", "en"
        )
        return sign_identity(identity, self._key, time.time(), "visits", installation="gemba")
