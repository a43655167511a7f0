"""How large an installation is, and what stands between its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from deploy.local.topology import SERVICES


@dataclass(frozen=True)
class Size:
    """How many of each: one of everything unless asked otherwise. Three brokers keep three copies, two in sync.

    ``detours`` gives the port of a relay that stands between services and a server: ``postgres-<service>``,
    ``kafka`` (the first broker), ``kafka-2`` …, ``smtp``.
    """

    brokers: int = 1
    replicas: int = 1
    detours: Mapping[str, int] = field(default_factory=dict)

    def broker_names(self) -> list[str]:
        return [numbered("kafka", number) for number in range(1, self.brokers + 1)]

    def replicas_of(self, service: str) -> list[str]:
        return [numbered(service, number) for number in range(1, self.replicas + 1)]

    def port_names(self) -> list[str]:
        services = [name for service in SERVICES for name in self.replicas_of(service)]
        brokers = [port for name in self.broker_names() for port in (name, f"{name}-controller")]
        return ["origin", *services, "inbox", "inbox-smtp", "postgres", *brokers]


def numbered(name: str, number: int) -> str:
    """The first one of a kind goes by the name of the kind."""
    return name if number == 1 else f"{name}-{number}"


def by_detour(url: str, port: int) -> str:
    """A server's URL on the loopback with another port."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit((parts.scheme, f"{login}@127.0.0.1:{port}", parts.path, parts.query, ""))
