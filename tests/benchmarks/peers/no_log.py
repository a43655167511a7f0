"""The shortest way from a tap to a mail that still keeps the report: one commit, then SMTP, no log in between.

`python -m tests.benchmarks.peers.no_log PORT DSN SMTP_PORT ADDRESS`. A bare ASGI application; what it loses when it dies
between its commit and the mail is what the log is for.
"""

from __future__ import annotations

import asyncio
import json
import sys
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import aiosmtplib
import asyncpg
import uvicorn

TABLES = """
    create table if not exists cases (case_id uuid primary key, item integer not null, body text not null);
    create table if not exists audit (case_id uuid not null, at timestamptz not null default now(), what text not null);
    create table if not exists messages (message_id uuid primary key, recipient text not null, state text not null)
"""
_CONNECTIONS = 4


class NoLog:
    """Four connections to the database, four to the mail server."""

    def __init__(self, dsn: str, smtp_port: int, address: str) -> None:
        self._dsn, self._smtp_port, self._address = dsn, smtp_port, address
        self._pool: Any = None
        self._mailers: asyncio.Queue[aiosmtplib.SMTP] = asyncio.Queue()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await self._start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        await self._tap(json.loads(body))
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def _start(self) -> None:
        self._pool = await asyncpg.create_pool(self._dsn, min_size=_CONNECTIONS, max_size=_CONNECTIONS)
        await self._pool.execute(TABLES)
        for _ in range(_CONNECTIONS):
            mailer = aiosmtplib.SMTP(hostname="127.0.0.1", port=self._smtp_port, start_tls=False)
            await mailer.connect()
            self._mailers.put_nowait(mailer)

    async def _tap(self, seen: dict[str, Any]) -> None:
        finding_id = UUID(seen["finding_id"])
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute(
                "insert into cases (case_id, item, body) values ($1, $2, $3)", finding_id, seen["item"], seen["text"]
            )
            await conn.execute("insert into audit (case_id, what) values ($1, 'opened')", finding_id)
            await conn.execute(
                "insert into messages (message_id, recipient, state) values ($1, $2, 'queued')",
                finding_id,
                self._address,
            )
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "gemba@example.org", self._address, "A case needs you"
        mail["Message-ID"] = f"<{finding_id}@example.org>"
        mail.set_content("Somebody saw something. Please acknowledge.")
        mailer = await self._mailers.get()
        try:
            await mailer.send_message(mail)
        finally:
            self._mailers.put_nowait(mailer)
        await self._pool.execute("update messages set state = 'sent' where message_id = $1", finding_id)


if __name__ == "__main__":
    uvicorn.run(
        NoLog(sys.argv[2], int(sys.argv[3]), sys.argv[4]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
    )
