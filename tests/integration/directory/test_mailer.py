"""Mail leaves over SMTP; a server that is away is passed over, a final refusal is told from a passing one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from aiosmtplib import SMTPException

from services.directory.deps import MailRefused
from services.directory.mailer import smtp_sender

Serve = Callable[..., Awaitable[tuple[str, "Server"]]]
NOBODY = "smtp://127.0.0.1:1"


class Server:
    """Answers the final dot with `answer`, and keeps what it took."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.taken: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.taken.append(envelope.content.decode())
        return self.answer


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Await it with an answer: a server on a port of its own, and its address."""
    running: list[asyncio.Server] = []

    async def start(answer: str = "250 taken") -> tuple[str, Server]:
        server = Server(answer)
        listening = await asyncio.get_running_loop().create_server(lambda: SMTP(server), "127.0.0.1", 0)
        running.append(listening)
        return f"smtp://127.0.0.1:{listening.sockets[0].getsockname()[1]}", server

    yield start
    for listening in running:
        listening.close()


def mail() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Gemba <no-reply@example.org>", "rina@example.org", "Xin chào"
    made.set_content("chào")
    return made


async def test_a_mail_is_handed_over(serve: Serve) -> None:
    url, server = await serve()
    await smtp_sender(url)(mail())
    assert "To: rina@example.org" in server.taken[0]


async def test_the_next_server_takes_what_the_first_does_not(serve: Serve) -> None:
    url, server = await serve()
    refusing, _ = await serve("451 later")
    await smtp_sender(f"{NOBODY}, {refusing}, {url}")(mail())
    assert len(server.taken) == 1


async def test_a_final_refusal_is_told_from_a_passing_one(serve: Serve) -> None:
    with pytest.raises(MailRefused):
        await smtp_sender((await serve("550 no such mailbox"))[0])(mail())
    with pytest.raises(SMTPException):
        await smtp_sender((await serve("451 later"))[0])(mail())
    with pytest.raises(SMTPException):
        await smtp_sender(NOBODY)(mail())


async def test_without_a_server_nothing_is_sent_and_a_wrong_address_is_said_at_start() -> None:
    with pytest.raises(ConnectionError, match="GEMBA_SMTP_URL is not set"):
        await smtp_sender("")(mail())
    for wrong in ("localhost:25", "http://localhost", "smtp://"):
        with pytest.raises(ValueError, match="must be smtp://"):
            smtp_sender(wrong)
