"""A mail as bytes (RFC 5322, MIME): plain text, HTML and, last of the alternatives, the calendar entry."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

_EMPTY_FIRST_LINE = re.compile(rb"^(Subject|To): *\r\n[ \t]+", re.MULTILINE)
"""Python folds a header that fits no line so that its first line is empty; readers then show a leading space."""


@dataclass(frozen=True, slots=True)
class Letter:
    """`recipient_name` and `subject` are single lines already; the policy refuses a header with a line break anyway."""

    message_id: str
    sender: str
    recipient: str
    recipient_name: str
    subject: str
    text: str
    html: str
    dated_at: datetime
    calendar: str | None
    method: str | None


def mail_bytes(letter: Letter) -> bytes:
    """Raises `ValueError` for an address that is none, or that carries a header of its own."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address("Gemba", letter.sender)
    mail["To"] = _address(letter.recipient_name, letter.recipient)
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(letter.dated_at)
    mail["Message-ID"] = letter.message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    mail.set_content(letter.text, cte="quoted-printable")
    mail.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    if letter.calendar is not None:
        parameters = {"method": str(letter.method)}
        mail.add_alternative(letter.calendar, subtype="calendar", params=parameters, cte="base64")
    mail.set_boundary(f"=_{letter.message_id.strip('<>').partition('@')[0]}")
    return _EMPTY_FIRST_LINE.sub(rb"\1: ", mail.as_bytes(), count=2)


def _address(name: str, address: str) -> Address:
    user, at, domain = address.rpartition("@")
    if not (user and at and domain) or any(letter.isspace() or not letter.isprintable() for letter in address):
        raise ValueError("This is not an e-mail address.")
    return Address(name, user, domain)
