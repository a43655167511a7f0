"""One caught message, read into the parts that people and tests look at."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any

_LINK = re.compile(r"https?://[^\s<>\"']+")


@dataclass(frozen=True)
class CalendarEntry:
    """The calendar part of an invitation; instants as the calendar states them (ISO 8601)."""

    method: str
    uid: str
    sequence: int
    status: str
    summary: str
    location: str
    dtstart: str
    dtend: str
    ics: str


@dataclass(frozen=True)
class Message:
    """Number ``id`` of this inbox. ``at`` is when it came, ``date`` what its header says."""

    id: int
    kind: str
    at: str
    to: list[str]
    sender: str = ""
    subject: str = ""
    date: str = ""
    message_id: str = ""
    text: str = ""
    html: str = ""
    calendar: CalendarEntry | None = None
    links: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    attempts: int = 1

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Message:
        calendar = found.pop("calendar", None)
        return cls(**found, calendar=CalendarEntry(**calendar) if calendar else None)


def read_mail(number: int, at: datetime, to: list[str], sender: str, content: bytes) -> Message:
    """Parse what SMTP delivered; a part that cannot be read is left empty, never refused."""
    mail = message_from_bytes(content, policy=default)
    assert isinstance(mail, EmailMessage)
    text, html = _body(mail, "plain"), _body(mail, "html")
    return Message(
        id=number,
        kind="mail",
        at=at.isoformat(),
        to=to,
        sender=str(mail["From"] or sender),
        subject=str(mail["Subject"] or ""),
        date=_date(mail),
        message_id=str(mail["Message-ID"] or ""),
        text=text,
        html=html,
        calendar=_calendar(mail),
        links=_links(text, html),
        headers={name: str(value) for name, value in mail.items()},
    )


def read_sms(number: int, at: datetime, to: str, text: str, identifier: str) -> Message:
    return Message(
        id=number,
        kind="sms",
        at=at.isoformat(),
        to=[to],
        message_id=identifier,
        text=text,
        links=_links(text, ""),
    )


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    try:
        return str(part.get_content()) if part else ""
    except (LookupError, ValueError):
        return ""


def _date(mail: EmailMessage) -> str:
    try:
        return parsedate_to_datetime(str(mail["Date"])).isoformat()
    except (TypeError, ValueError):
        return ""


def _calendar(mail: EmailMessage) -> CalendarEntry | None:
    for part in mail.walk():
        if part.get_content_type() == "text/calendar":
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                return read_calendar(content)
    return None


def read_calendar(content: bytes) -> CalendarEntry | None:
    """The first event of an iCalendar object, or None when it cannot be read."""
    from icalendar import Calendar

    try:
        calendar = Calendar.from_ical(content)
        event = next(iter(calendar.walk("VEVENT")))
        return CalendarEntry(
            method=str(calendar.get("METHOD", "")),
            uid=str(event.get("UID", "")),
            sequence=int(event.get("SEQUENCE", 0)),
            status=str(event.get("STATUS", "")),
            summary=str(event.get("SUMMARY", "")),
            location=str(event.get("LOCATION", "")),
            dtstart=_instant(event.get("DTSTART")),
            dtend=_instant(event.get("DTEND")),
            ics=content.decode("utf-8", errors="replace"),
        )
    except (ValueError, StopIteration, TypeError, AttributeError):
        return None


def _instant(value: Any) -> str:
    moment = getattr(value, "dt", None)
    return moment.isoformat() if isinstance(moment, date) else ""


class _Hrefs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value and _LINK.match(value)]


def _links(text: str, html: str) -> list[str]:
    """Every link once, in the order of the text first."""
    parser = _Hrefs()
    parser.feed(html)
    found = [link.rstrip(".,;:)]") for link in _LINK.findall(text)] + parser.found
    return list(dict.fromkeys(found))
