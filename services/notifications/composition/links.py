"""Where a message leads: a page of the service that owns the thing, or an answer by one tap.

A one-tap link holds a token for one answer by one person; it opens a page and acts only when its button is pressed.
"""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from joserfc.jwk import OKPKey

from services.notifications.domain.message import Message
from services.notifications.domain.templates import ZERO_TOLERANCE
from shared.taps import sign_tap

_PAGES = {
    "visit": "/visits/visits/{about}",
    "report": "/visits/visits/{about}/report",
    "action": "/visits/actions/{about}",
    "case": "/visits/cases/{about}",
    "cohort": "/scheduler/cohorts/{about}",
    "today": "/scheduler/",
}
_LATE_ACKNOWLEDGEMENT = timedelta(days=1)
"""A late acknowledgement is better than none: visits decides what it is worth."""
_LATE_REPORT = timedelta(days=14)


class Links:
    """Makes the addresses that stand in messages."""

    def __init__(self, origin: str, tap_key: OKPKey) -> None:
        self._origin = origin.rstrip("/")
        self._key = tap_key

    @property
    def preferences(self) -> str:
        """Where somebody says how they want to be reached."""
        return f"{self._origin}/notifications/preferences"

    def address(self, link: str, message: Message) -> str:
        """The address of a link of `domain/templates.py` for the message's recipient."""
        if link.startswith("tap:"):
            return self._tap(link.removeprefix("tap:"), message)
        return self._origin + _PAGES[link].format(about=message.about)

    def _tap(self, action: str, message: Message) -> str:
        number = "step" if message.template.lane == ZERO_TOLERANCE else "offer"
        token = sign_tap(
            self._key,
            audience="visits",
            action=action,
            subject=str(message.about),
            person_id=str(message.recipient_id),
            expires_at=_expiry(action, message),
            extra={number: str(message.step)},
        )
        return f"{self._origin}/visits/tap?{urlencode({'t': token})}"


def _expiry(action: str, message: Message) -> datetime:
    if action == "report_done":
        return datetime.fromisoformat(message.data["ends_at"]) + _LATE_REPORT
    respond_by = datetime.fromisoformat(message.data["respond_by"])
    return respond_by + _LATE_ACKNOWLEDGEMENT if action == "acknowledge" else respond_by
