"""Every kind of fault by its name, and what it does; what is drawn when nobody asks for certain kinds."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.local.problem import Problem

SERVERS = ("postgres", "kafka", "smtp")
_NETWORK = (
    ("cut", "connections end and none can be made"),
    ("half-open", "connections stay and carry nothing"),
    ("latency", "every answer is late"),
    ("slow", "a few kilobytes a second"),
    ("reset", "the connection ends before the reply: of PostgreSQL after its COMMIT, of SMTP after the final dot"),
)
_ON_THE_WAY = frozenset({"busy", *(act for act, _ in _NETWORK)})


@dataclass(frozen=True, slots=True)
class Kind:
    """`act` is done to `target`. `holds`: it lasts for a while, and is healed then. `repeats_mail`: what is in flight may go twice."""

    name: str
    act: str
    target: str
    says: str
    holds: bool = True
    repeats_mail: bool = True
    by_default: bool = True

    @property
    def on_the_way(self) -> bool:
        """Whether it happens between services and a server: only then need something of ours stand there."""
        return self.act in _ON_THE_WAY


def _all() -> tuple[Kind, ...]:
    processes = (
        Kind("kill-service", "kill", "service", "kill -9 of one replica of a service", holds=False),
        Kind("kill-relay", "kill", "relay", "kill -9 of whoever holds a relay's lease", holds=False),
        Kind("kill-broker", "kill", "broker", "kill -9 of a broker", holds=False, repeats_mail=False),
        Kind("kill-postgres", "kill", "postgres", "kill -9 of PostgreSQL", holds=False),
        Kind("stop-service", "stop", "service", "a replica stands still (SIGSTOP), then goes on"),
        Kind("stop-relay", "stop", "relay", "whoever holds a relay's lease stands still, then goes on"),
        Kind("stop-broker", "stop", "broker", "a broker stands still, then goes on", repeats_mail=False),
        Kind("stop-postgres", "stop", "postgres", "PostgreSQL with all its sessions stands still, then goes on"),
        Kind("term-service", "term", "service", "a replica is asked to stop (SIGTERM) and starts again", holds=False,
             repeats_mail=False),
        Kind("wipe-broker", "wipe", "broker", "a broker is killed and its data deleted", holds=False, repeats_mail=False),
        Kind("lose-log", "lose", "brokers", "all brokers are killed and all their data deleted", holds=False,
             repeats_mail=False),
        Kind("clock", "clock", "visits", "both replicas of visits die, and the clock steps by an hour meanwhile", holds=False,
             repeats_mail=False),
        Kind("disk-full", "fill", "postgres", "PostgreSQL's disk is full, until something is deleted (root only)",
             by_default=False),
    )  # fmt: skip
    wires = tuple(
        Kind(f"{act}-{server}", act, server, f"{server}: {says}", repeats_mail=server != "kafka")
        for server in SERVERS
        for act, says in _NETWORK
    )
    busy = Kind("busy-smtp", "busy", "smtp", "the mail server greets with 421", repeats_mail=False)
    crowd = Kind("burst", "burst", "visits", "ten times as many clients at once", holds=False, repeats_mail=False)
    return (*processes, *wires, busy, crowd)


KINDS = {kind.name: kind for kind in _all()}


def choose(names: Sequence[str]) -> tuple[Kind, ...]:
    """The kinds of these names, all that need nothing special when there are none. Raises Problem."""
    if not names:
        return tuple(kind for kind in KINDS.values() if kind.by_default)
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise Problem(
            f"there is no kind of fault {', '.join(map(repr, unknown))}",
            remedy=f"one or several, with commas, of: {', '.join(KINDS)}",
        )
    if "disk-full" in names and not (sys.platform == "linux" and os.geteuid() == 0):
        raise Problem(
            "disk-full needs root on Linux: it puts PostgreSQL on a small disk of its own (tmpfs)",
            remedy="run it as root, or leave disk-full out of --kinds",
        )
    return tuple(KINDS[name] for name in dict.fromkeys(names))
