"""What the API takes and gives, and how it stands to the domain."""

from datetime import datetime, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.notifications.domain.quiet_hours import QuietHours
from services.notifications.domain.recipient import Preferences
from shared.db import Record

State = Literal["queued", "held", "sent", "failed", "cancelled"]


class MessageOut(BaseModel):
    """One line of the delivery log. Nobody's address is in it."""

    message_id: UUID
    template: str
    about: UUID
    step: int | None
    recipient_id: UUID
    recipient: str | None
    channel: str | None
    state: State
    code: str | None
    queued_at: datetime
    not_before: datetime
    settled_at: datetime | None
    provider: str | None
    country: str
    sent_with: UUID | None

    @classmethod
    def of(cls, row: Record) -> "MessageOut":
        return cls.model_validate(dict(row))


class MessagePage(BaseModel):
    items: list[MessageOut]
    next: UUID | None


class QuietBody(BaseModel):
    """Wall times of one's own zone."""

    model_config = ConfigDict(extra="forbid")

    starts: time
    ends: time


class PreferencesBody(BaseModel):
    """`quiet` null: reachable at any hour. `language` null: the one that the directory has."""

    model_config = ConfigDict(extra="forbid")

    channels: Annotated[list[Literal["email", "sms"]], Field(min_length=1, max_length=2)]
    quiet: QuietBody | None = None
    language: Annotated[str, Field(max_length=35)] | None = None

    @model_validator(mode="after")
    def _no_channel_twice(self) -> "PreferencesBody":
        if len(set(self.channels)) != len(self.channels):
            raise ValueError("name each channel once")
        return self

    def to_domain(self) -> Preferences:
        quiet = QuietHours(_plain(self.quiet.starts), _plain(self.quiet.ends)) if self.quiet else None
        return Preferences(tuple(self.channels), quiet, self.language)

    @classmethod
    def of(cls, chosen: Preferences) -> "PreferencesBody":
        quiet = QuietBody(starts=chosen.quiet.starts, ends=chosen.quiet.ends) if chosen.quiet else None
        return cls.model_validate({
            "channels": list(chosen.channels),
            "quiet": quiet.model_dump() if quiet else None,
            "language": chosen.language,
        })  # fmt: skip


def _plain(value: time) -> time:
    """A wall time: an offset sent along means nothing here."""
    return value.replace(tzinfo=None, second=0, microsecond=0)
