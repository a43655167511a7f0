"""Hands a mail to SMTP servers in order of preference: the next one when one does not answer.

`GEMBA_SMTP_URL` is one or more of `smtp://[user:password@]host[:port]` and `smtps://…`, separated by commas.
"""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib

from services.directory.deps import MailRefused, SendMail

_SECONDS: Final = 10.0
_PORTS: Final = {"smtp": 25, "smtps": 465}


def smtp_sender(urls: str) -> SendMail:
    """A function that sends one mail over a connection of its own; STARTTLS wherever the server offers it."""
    servers = _read(urls)

    async def send(mail: EmailMessage) -> None:
        fault: Exception = ConnectionError("GEMBA_SMTP_URL is not set: no sign-in link can be mailed.")
        for server in servers:
            try:
                await _send(mail, server)
                return
            except (OSError, TimeoutError, aiosmtplib.SMTPException) as failed:
                fault = failed
        if _is_final(fault):
            raise MailRefused from fault
        raise fault

    return send


def _read(urls: str) -> Sequence[SplitResult]:
    servers = [urlsplit(url.strip()) for url in urls.split(",") if url.strip()]
    if any(server.scheme not in _PORTS or not server.hostname for server in servers):
        raise ValueError("GEMBA_SMTP_URL must be smtp://host:port or smtps://host:port, or several with commas.")
    return servers


async def _send(mail: EmailMessage, server: SplitResult) -> None:
    await aiosmtplib.send(
        mail,
        hostname=server.hostname,
        port=server.port or _PORTS[server.scheme],
        username=unquote(server.username) if server.username else None,
        password=unquote(server.password) if server.password else None,
        use_tls=server.scheme == "smtps",
        timeout=_SECONDS,
    )


def _is_final(fault: Exception) -> bool:
    """Whether the last server said that it will never take this mail (a 5xx answer to it or its recipient)."""
    if isinstance(fault, aiosmtplib.SMTPRecipientsRefused):
        return all(one.code >= 500 for one in fault.recipients)
    return isinstance(fault, aiosmtplib.SMTPDataError) and fault.code >= 500
