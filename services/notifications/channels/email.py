"""Mail by SMTP, connections kept for the next message.

Which reply means what (RFC 5321 §4.2.1): 5xx to RCPT is a bounce, to DATA a rejection; 4xx is "later"; 421, a refused
sender or login and a lost connection are the provider's trouble, until the message's data went out: from then on
nobody knows, and it is sent again under the same Message-ID.
"""

import time
from contextlib import suppress
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from services.notifications.channels.outbound import Later, Outbound, ProviderDown, Refused, Unsure

_COMMAND_SECONDS = 8.0
_CONNECT_SECONDS = 5.0
_IDLE_SECONDS = 20.0
_CLOSING = 421


class SmtpProvider:
    """`smtp://[user:password@]host[:port]` (STARTTLS where offered, required with a password) or `smtps://…`."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("GEMBA_SMTP_URL has an entry that is not smtp://host:port or smtps://host:port.")
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or (465 if self._tls else 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._sender = sender
        self._idle: list[tuple[float, SMTP]] = []
        self.name = f"smtp:{self._host}:{self._port}"

    async def send(self, item: Outbound) -> None:
        client = self._reusable()
        if client is not None:
            try:
                await client.mail(self._sender)
            except (SMTPException, OSError):
                client.close()  # it went stale while idle; nothing was said on it
                client = None
        if client is None:
            client = await self._begin()
        try:
            await self._hand_over(client, item)
        except (Refused, Later):
            await self._keep(client, reset=True)
            raise
        except BaseException:
            client.close()
            raise
        await self._keep(client, reset=False)

    async def close(self) -> None:
        while self._idle:
            _, client = self._idle.pop()
            with suppress(SMTPException, OSError):
                await client.quit(timeout=1)
            client.close()

    def _reusable(self) -> SMTP | None:
        while self._idle:
            since, client = self._idle.pop()
            if client.is_connected and time.monotonic() - since < _IDLE_SECONDS:
                return client
            client.close()
        return None

    async def _begin(self) -> SMTP:
        local = self._host in {"127.0.0.1", "::1", "localhost"}
        client = SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            timeout=_COMMAND_SECONDS,
            use_tls=self._tls,
            start_tls=False if self._tls else (True if self._user and not local else None),
        )
        try:
            await client.connect(timeout=_CONNECT_SECONDS)
            client.timeout = _COMMAND_SECONDS
            await client.mail(self._sender)
        except (SMTPException, OSError) as fault:
            client.close()
            raise ProviderDown(_describe(fault)) from fault
        except BaseException:
            client.close()
            raise
        return client

    async def _hand_over(self, client: SMTP, item: Outbound) -> None:
        """RCPT and DATA; MAIL was said already."""
        try:
            await client.rcpt(item.address)
        except SMTPResponseException as reply:
            _judge(reply, "bounced")
        except (SMTPException, OSError, ValueError) as fault:
            if isinstance(fault, ValueError):
                raise Refused("rejected") from fault
            raise ProviderDown(_describe(fault)) from fault
        try:
            await client.data(item.content)
        except SMTPResponseException as reply:
            _judge(reply, "rejected")
        except (SMTPException, OSError) as fault:
            raise Unsure(_describe(fault)) from fault

    async def _keep(self, client: SMTP, *, reset: bool) -> None:
        if reset:
            try:
                await client.rset()
            except (SMTPException, OSError):
                client.close()
                return
        if client.is_connected:
            self._idle.append((time.monotonic(), client))


def _judge(reply: SMTPResponseException, code: str) -> NoReturn:
    if reply.code == _CLOSING:
        raise ProviderDown(_describe(reply)) from reply
    if 400 <= reply.code < 500:
        raise Later(_describe(reply)) from reply
    raise Refused(code) from reply


def _describe(fault: BaseException) -> str:
    """The reply's number or the fault's name: a reply's text often quotes the address."""
    return str(fault.code) if isinstance(fault, SMTPResponseException) else type(fault).__name__
