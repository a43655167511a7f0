"""A mail as bytes (RFC 5322, MIME): plain text, HTML and, last of the alternatives, the calendar entry.

Written out here because Python's `email.message` parses every header that it is given and folds it again: 2.5 ms of one
processor for an alert, 0.1 this way. Its encodings of words and bodies are used, and its parser reads what we write in the tests.
"""

import binascii
import re
from base64 import encodebytes
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime, quote

_LINE = 76
"""Letters on a line of a header, its name included (RFC 5322 wants less than 79, RFC 2047 at most 76)."""
_PLAIN_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


@dataclass(frozen=True, slots=True)
class Letter:
    """`recipient_name` and `subject` are single lines already; a header with a line break is refused anyway."""

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
    boundary = f"=_{letter.message_id.strip('<>').partition('@')[0]}"
    headers = (
        f"From: {_address('From', 'Gemba', letter.sender)}",
        f"To: {_address('To', letter.recipient_name, letter.recipient)}",
        f"Subject: {_words('Subject', letter.subject)}",
        f"Date: {format_datetime(letter.dated_at)}",
        f"Message-ID: {letter.message_id}",
        "Auto-Submitted: auto-generated",  # RFC 3834: no out-of-office answers, please
        "X-Auto-Response-Suppress: OOF, AutoReply",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"',
    )
    parts = [
        _part("text/plain", "quoted-printable", _quoted_printable(letter.text)),
        _part("text/html", "quoted-printable", _quoted_printable(letter.html)),
    ]
    if letter.calendar is not None:
        entry = encodebytes(_lines(letter.calendar)).replace(b"\n", b"\r\n")
        parts.append(_part(f'text/calendar; method="{letter.method}"', "base64", entry))
    opening = f"--{boundary}\r\n".encode("ascii")
    body = b"".join(opening + part for part in parts)
    return "\r\n".join([*headers, "", ""]).encode("ascii") + body + f"--{boundary}--\r\n".encode("ascii")


def _part(kind: str, encoding: str, content: bytes) -> bytes:
    head = f'Content-Type: {kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode("ascii") + content + b"\r\n"


def _lines(text: str) -> bytes:
    return b"".join(line + b"\r\n" for line in text.encode().splitlines())


def _quoted_printable(text: str) -> bytes:
    return binascii.b2a_qp(_lines(text), istext=True)


def _words(name: str, text: str) -> str:
    """The text of a header, as encoded words (RFC 2047) where it would not be read, or not be folded, as it stands."""
    if any(letter < " " or letter == "\x7f" for letter in text):
        raise ValueError(f"The header {name} has a line break or another control character.")
    room = _LINE - len(name) - 2
    # What looks like an encoded word would be taken for one.
    as_it_stands = text.isascii() and "=?" not in text
    if as_it_stands and len(text) <= room:
        return text
    charset = "us-ascii" if as_it_stands and max(map(len, text.split(" "))) < room else "utf-8"
    return Header(text, charset, maxlinelen=_LINE, header_name=name).encode(linesep="\r\n")


def _address(header: str, name: str, address: str) -> str:
    shown = _words(header, name)
    if shown == name and not _PLAIN_NAME.fullmatch(name):
        shown = f'"{quote(name)}"'
    specified = f"<{_specified(address)}>"
    if not shown:
        return specified
    last_line = f"{header}: {shown}".rpartition("\r\n")[2]
    return f"{shown} {specified}" if len(last_line) + len(specified) < _LINE else f"{shown}\r\n {specified}"


def _specified(address: str) -> str:
    """As it stands between the angle brackets: `"a,b"@example.org` where the part before the @ needs it."""
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    user, at, domain = address.rpartition("@")
    if not (user and at and domain) or any(letter.isspace() or not letter.isprintable() for letter in address):
        raise ValueError("This is not an e-mail address.")
    specified = Address("", user, domain).addr_spec
    if not specified.isascii():
        raise ValueError("This is an e-mail address that not every server can be asked to take.")
    return specified
