"""What use cases of directory need from outside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage

from services.directory.settings import Settings
from shared.auth import IdentitySigner
from shared.clock import Clock
from shared.db import Pool

SendMail = Callable[[EmailMessage], Awaitable[None]]
"""Hands a mail to SMTP; raises `MailRefused` for good, anything else for a passing fault."""


class MailRefused(Exception):
    """The mail server will never take this mail (a 5xx answer)."""


@dataclass(frozen=True, slots=True)
class Deps:
    """Opened once by `main.py`."""

    pool: Pool
    clock: Clock
    settings: Settings
    signer: IdentitySigner
    send_mail: SendMail
