"""People, messages and a composer to try the wording with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from services.notifications.composition.catalogue import Catalogue
from services.notifications.composition.composer import Composer
from services.notifications.composition.links import Links
from services.notifications.domain.message import Message
from services.notifications.domain.recipient import ContactPoint, Preferences, Recipient
from services.notifications.domain.templates import TEMPLATES
from shared.crypto import load_signing_key, write_signing_keys

ORIGIN = "https://gemba.example"
SENDER = "gemba@gemba.example"
VISIT = UUID("0190a000-0000-7000-8000-00000000abcd")
MILL = UUID("0190a000-0000-7000-8000-0000000000e1")
RINA = UUID("0190a000-0000-7000-8000-0000000000a1")
STARTS = datetime(2026, 3, 31, 3, 0, tzinfo=UTC)
PLACES = {MILL: ("Rahman Textiles", "Gazipur")}

DATA: dict[str, Any] = {
    "enterprise_ids": [str(MILL)],
    "starts_at": STARTS.isoformat(),
    "ends_at": (STARTS + timedelta(hours=3)).isoformat(),
    "zone": "Asia/Dhaka",
    "kind": "consultancy",
    "offer": 2,
    "sequence": 4,
    "respond_by": datetime(2026, 3, 20, 12, 0, tzinfo=UTC).isoformat(),
    "reason": "lapsed",
    "outcome": "resolved",
    "item": 3,
    "due_at": datetime(2026, 4, 30, 12, 0, tzinfo=UTC).isoformat(),
    "tier": 2,
    "topic": "gemba.case",
    "module": "WC",
    "enterprises": 5,
    "first_day": "2026-03-01",
    "last_day": "2026-05-31",
    "placed": 12,
    "unplaced": 2,
    "visits": 14,
    "planned": 14,
    "reported": 13,
    "withdrawn": 1,
    "moved": 2,
    "codes": ["declined", "some_new_code"],
}


def person(
    *,
    name: str = "Rina Akter",
    language: str = "en",
    zone: str = "Asia/Dhaka",
    channels: tuple[str, ...] = ("email", "sms"),
    preferences: Preferences | None = None,
    active: bool = True,
) -> Recipient:
    addresses = {"email": "rina@example.org", "sms": "+880 1711-000001"}
    points = tuple(ContactPoint(channel, addresses[channel], True) for channel in channels)
    return Recipient(RINA, name, language, zone, active, points, preferences or Preferences())


def message(template: str, *, channel: str = "email", step: int | None = 2, **data: Any) -> Message:
    queued = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
    bundle = "notices" if TEMPLATES[template].bundled else None
    return Message(
        UUID("0190a000-0000-7000-8000-00000000f001"),
        template,
        VISIT,
        "offer-2",
        step,
        "BD",
        RINA,
        channel,
        bundle,
        DATA | data,
        queued,
        queued,
        0,
    )


def make_composer(folder: Path) -> Composer:
    write_signing_keys(folder / "taps.pem", folder / "taps.pub.pem")
    links = Links(ORIGIN, load_signing_key(folder / "taps.pem"))
    return Composer(Catalogue(), links, sender=SENDER, installation="gemba")
