"""A real SMTP server and a real SMS gateway on the loopback that do what a test tells them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class PostOffice:
    """What arrived, and how the server behaves. A reply of None closes the connection without a word."""

    port: int = 0
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    on_rcpt: dict[str, list[str | None]] = field(default_factory=dict)
    """Replies to RCPT for an address, used up one after the other."""
    on_data: list[str | None] = field(default_factory=list)
    """Replies after the final dot; the mail counts as taken unless the reply is a refusal."""
    hangs: set[str] = field(default_factory=set)
    waiting: int = 0
    """How many times it was made to hang."""
    connections: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for to, mail in self.mails if to == address]

    @property
    def message_ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for _, mail in self.mails]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.hangs:
            self.waiting += 1
            await self.released.wait()
        planned = self.on_rcpt.get(address)
        if planned:
            reply = planned.pop(0)
            if reply is None:
                server.transport.abort()
                return "421 gone"
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = self.on_data.pop(0) if self.on_data else "250 OK"
        if reply is None or reply.startswith("2"):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=POLICY)
            assert isinstance(mail, EmailMessage)
            self.mails += [(to, mail) for to in envelope.rcpt_tos]
        if reply is None:
            server.transport.abort()
            return "421 gone"
        return reply


@asynccontextmanager
async def open_post_office() -> AsyncIterator[PostOffice]:
    office = PostOffice()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(office, hostname="test", loop=loop), "127.0.0.1", 0)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        office.released.set()
        server.close()


@dataclass
class Gateway:
    """An SMS gateway: what was posted, and the statuses it answers with, one after the other (then 200)."""

    port: int = 0
    texts: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@asynccontextmanager
async def open_gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line
                )
                body = json.loads(await reader.readexactly(length))
                status = gateway.answers.pop(0) if gateway.answers else 200
                if status == 200:
                    gateway.texts.append(body)
                writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    gateway.port = server.sockets[0].getsockname()[1]
    try:
        yield gateway
    finally:
        server.close()
