"""What leaves, and by whom: one interface for all providers, in order of preference, with fail-over.

| a provider raises | it means                                             | what follows                            |
|-------------------|------------------------------------------------------|-----------------------------------------|
| `Refused`         | this recipient or message will never be taken        | the message has failed, at once         |
| `Later`           | the recipient's own server asks for patience         | the same message again, with back-off   |
| `Unsure`          | cut off after everything was handed over             | the same message again, same Message-ID |
| `ProviderDown`    | the provider itself took nothing                     | the next provider, now                  |
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

_AVOID_SECONDS = 30.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outbound:
    """One thing to hand over: `content` is a whole mail (RFC 5322), or the UTF-8 text of an SMS."""

    message_id: UUID
    address: str
    content: bytes


class Refused(Exception):
    """`code` is one of `MessageFailed`: bounced, rejected, no_channel."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Later(Exception):
    """Try again with back-off; counted, for patience has an end."""


class Unsure(Exception):
    """It may have been taken: the gap between the final dot and the 250 cannot be closed."""


class ProviderDown(Exception):
    """Nothing was handed over."""


class Provider(Protocol):
    """One way out."""

    name: str

    async def send(self, item: Outbound) -> None:
        """Return when the provider has taken responsibility for it."""

    async def close(self) -> None:
        """Give up its connections."""


class Failover:
    """Providers of one channel. One that failed is tried last for half a minute (machine time)."""

    def __init__(self, providers: Sequence[Provider], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._providers = tuple(providers)
        self._monotonic = monotonic
        self._avoid_until = dict.fromkeys((provider.name for provider in providers), 0.0)

    async def send(self, item: Outbound) -> str:
        """Return the name of the provider that took it; raises like a provider."""
        if not self._providers:
            raise Refused("no_channel")
        now = self._monotonic()
        for provider in sorted(self._providers, key=lambda one: self._avoid_until[one.name] > now):
            try:
                await provider.send(item)
            except ProviderDown as down:
                self._avoid_until[provider.name] = self._monotonic() + _AVOID_SECONDS
                _log.warning("provider.down", provider=provider.name, reason=str(down))
            else:
                self._avoid_until[provider.name] = 0.0
                return provider.name
        raise ProviderDown("No provider took it.")

    async def close(self) -> None:
        for provider in self._providers:
            await provider.close()


class Channels:
    """All the ways out."""

    def __init__(self, ways: Mapping[str, Failover]) -> None:
        self._ways = dict(ways)

    async def send(self, channel: str, item: Outbound) -> str:
        """Hand over by a channel; returns the provider's name."""
        return await self._ways[channel].send(item)

    async def close(self) -> None:
        for way in self._ways.values():
            await way.close()
