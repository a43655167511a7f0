"""By which channels a message goes to somebody, and not before when. Pure: the same answer for the same question."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notifications.domain.recipient import Recipient
from services.notifications.domain.templates import ZERO_TOLERANCE, Template

BUNDLING_WINDOW = timedelta(seconds=60)
"""Business time between two mails with notices to one person; what comes in between goes together."""


@dataclass(frozen=True, slots=True)
class Route:
    channel: str
    not_before: datetime


def route(
    template: Template,
    recipient: Recipient,
    *,
    now: datetime,
    last_notice: datetime | None = None,
    asked: Sequence[str] = (),
) -> tuple[Route, ...]:
    """The ways a message takes; none when no channel reaches the recipient.

    An ordinary message takes the first channel of its recipient's order, outside their quiet hours. A notice goes at
    once, and those that come within a minute of it wait and travel together. `last_notice` is when the last one goes
    or went. Zero tolerance waits for nothing and
    goes by the channels that its protocol asks for (`asked`), by all others where none of those reaches anybody.
    """
    reachable = recipient.channels()
    if template.lane == ZERO_TOLERANCE:
        fitting = tuple(channel for channel in reachable if channel in asked) or reachable
        chosen = fitting if template.every_channel else fitting[:1]
        return tuple(Route(channel, now) for channel in chosen)
    wanted = now
    if template.bundled and last_notice is not None:
        wanted = last_notice if last_notice > now else max(now, last_notice + BUNDLING_WINDOW)
    return tuple(Route(channel, outside_quiet_hours(recipient, wanted)) for channel in reachable[:1])


def outside_quiet_hours(recipient: Recipient, wanted: datetime) -> datetime:
    """`wanted`, or the end of the quiet hours that it falls into."""
    quiet = recipient.preferences.quiet
    return (quiet.release(wanted, recipient.zone) if quiet else None) or wanted


def next_channel(template: Template, recipient: Recipient, failed: str) -> str | None:
    """Where an ordinary message goes after a channel refused it for good; None when that was the last."""
    if template.every_channel:
        return None
    later = recipient.channels()
    if failed not in later:
        return later[0] if later else None
    return next(iter(later[later.index(failed) + 1 :]), None)
