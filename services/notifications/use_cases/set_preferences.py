"""Somebody says how they want to be reached."""

from dataclasses import dataclass
from uuid import UUID

from services.notifications.deps import Deps
from services.notifications.domain.recipient import DEFAULT_CHANNELS, Preferences
from services.notifications.storage.people import save_preferences
from shared.commands import Idempotency, command
from shared.errors import Rejected


@dataclass(frozen=True, slots=True)
class SetPreferences:
    person_id: UUID
    chosen: Preferences
    idempotency: Idempotency


async def set_preferences(cmd: SetPreferences, *, deps: Deps) -> UUID:
    """Applies to messages queued from now on. No channel can be switched off: an order is chosen, not an absence."""
    chosen = cmd.chosen
    if not chosen.channels or set(chosen.channels) - set(DEFAULT_CHANNELS):
        raise Rejected("channel_unknown", 422, "Name at least one channel: email or sms.", field="channels")
    if chosen.language is not None and chosen.language not in deps.composer.catalogue.languages:
        known = ", ".join(deps.composer.catalogue.languages)
        raise Rejected("language_unknown", 422, f"Messages can be written in {known}.", field="language")
    async with command(deps.pool, cmd.idempotency) as open_command:
        if not open_command.repeated:
            await save_preferences(open_command.conn, cmd.person_id, chosen, now=deps.clock.now())
            await open_command.done(cmd.person_id)
    return cmd.person_id
