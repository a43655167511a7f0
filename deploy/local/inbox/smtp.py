"""The inbox's SMTP side."""

from __future__ import annotations

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.inbox.store import Store

LARGEST_MAIL_BYTES = 10_000_000


class Catcher:
    """Accepts everything, but for the recipients that refuse on purpose."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_RCPT(  # noqa: N802 - the library's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        del server, session, options
        if address.casefold().startswith("bounce"):
            return "550 5.1.1 no such mailbox"
        if address.casefold().startswith("later"):
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session
        content = envelope.content
        body = content.encode() if isinstance(content, str) else content or b""
        message = await self._store.add_mail(envelope.rcpt_tos, envelope.mail_from or "", body)
        return f"250 2.0.0 caught as {message.id}"


def smtp_protocol(store: Store) -> SMTP:
    """One connection's protocol, for ``loop.create_server``."""
    return SMTP(
        Catcher(store),
        hostname="inbox.localhost",
        data_size_limit=LARGEST_MAIL_BYTES,
        enable_SMTPUTF8=True,
        ident="Gemba dev inbox",
    )
