"""Who a message goes to: what directory says about them, and what they chose for themselves."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.notifications.domain.quiet_hours import DEFAULT, QuietHours

DEFAULT_CHANNELS = ("email", "sms")


@dataclass(frozen=True, slots=True)
class ContactPoint:
    channel: str
    address: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Preferences:
    """`quiet` None: no quiet hours. `language` None: the one that directory has."""

    channels: tuple[str, ...] = DEFAULT_CHANNELS
    quiet: QuietHours | None = DEFAULT
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    person_id: UUID
    name: str
    language: str
    zone_name: str
    active: bool
    contact_points: tuple[ContactPoint, ...]
    preferences: Preferences

    @property
    def zone(self) -> ZoneInfo:
        """Their zone; UTC when this machine does not know it."""
        try:
            return ZoneInfo(self.zone_name)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")

    @property
    def reads(self) -> str:
        """The language that messages to them are written in."""
        return self.preferences.language or self.language

    def address(self, channel: str) -> str | None:
        """Where they are reached by a channel: a verified contact point before one that is not yet."""
        known = [point for point in self.contact_points if point.channel == channel and point.address]
        best = sorted(known, key=lambda point: not point.verified)
        return best[0].address if self.active and best else None

    def channels(self) -> tuple[str, ...]:
        """The channels that reach them, in their own order; those they did not name come last."""
        order = (*self.preferences.channels, *DEFAULT_CHANNELS)
        return tuple(channel for channel in dict.fromkeys(order) if self.address(channel))
