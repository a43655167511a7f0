"""A command without a framework: validate, three statements, commit. `python -m tests.benchmarks.peers.bare_command PORT DSN`."""

from __future__ import annotations

import json
import sys
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import uvicorn

TABLES = """
    create table if not exists seen (key text primary key);
    create table if not exists things (id uuid primary key, visit_id uuid not null, reason text not null);
    create table if not exists facts (seq bigint generated always as identity primary key, id uuid, body jsonb)
"""
_CONNECTIONS = 12


class Bare:
    """Bare ASGI on the same server and event loop as ours."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            self._pool = await asyncpg.create_pool(self._dsn, min_size=_CONNECTIONS, max_size=_CONNECTIONS)
            await self._pool.execute(TABLES)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = (await receive())["body"]
        asked = json.loads(body)
        visit_id, reason = UUID(asked["visit_id"]), asked["reason"]
        if not isinstance(reason, str) or not reason:
            raise ValueError(reason)
        key = dict(scope["headers"])[b"idempotency-key"].decode()
        made = uuid4()
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute("insert into seen (key) values ($1) on conflict do nothing", key)
            await conn.execute("insert into things (id, visit_id, reason) values ($1, $2, $3)", made, visit_id, reason)
            await conn.execute("insert into facts (id, body) values ($1, $2)", made, body.decode())
        answer = json.dumps({"id": str(made)}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    uvicorn.run(Bare(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
