"""The calendar entry of a visit (iCalendar RFC 5545, iTIP RFC 5546): one UID for the visit's whole life.

The organizer is the bare address that the mail comes from, and METHOD is never PUBLISH: Outlook would make a second
entry. The entry carries no one-tap link: people share calendars.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from icalendar import Calendar, Event, vCalAddress, vText


@dataclass(frozen=True, slots=True)
class Entry:
    """Instants are UTC: every calendar shows them on its owner's wall."""

    method: str
    uid: str
    sequence: int
    stamped_at: datetime
    starts_at: datetime
    ends_at: datetime
    summary: str
    location: str
    description: str
    organizer: str
    attendee: str
    attendee_name: str
    confirmed: bool
    asks: bool


def calendar_text(entry: Entry) -> str:
    """The `text/calendar` part."""
    calendar = Calendar()
    calendar.add("prodid", "-//Gemba//Visits//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", entry.method)
    calendar.add_component(_event(entry))
    text: str = calendar.to_ical().decode()
    return text


def _event(entry: Entry) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.stamped_at.astimezone(UTC))
    event.add("dtstart", entry.starts_at.astimezone(UTC))
    event.add("dtend", entry.ends_at.astimezone(UTC))
    event.add("summary", entry.summary)
    event.add("location", entry.location)
    event.add("description", entry.description)
    event.add("transp", "OPAQUE")
    event.add("status", _status(entry))
    event.add("organizer", vCalAddress(f"mailto:{entry.organizer}"))
    attendee = vCalAddress(f"mailto:{entry.attendee}")
    attendee.params["CN"] = vText(entry.attendee_name)
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("ACCEPTED" if entry.confirmed and not entry.asks else "NEEDS-ACTION")
    attendee.params["RSVP"] = vText("TRUE" if entry.asks else "FALSE")
    event.add("attendee", attendee)
    return event


def _status(entry: Entry) -> str:
    if entry.method == "CANCEL":
        return "CANCELLED"
    return "CONFIRMED" if entry.confirmed else "TENTATIVE"
