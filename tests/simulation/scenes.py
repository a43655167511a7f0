"""What a seed is about: which services take part, and from which faults its own are drawn. Without a scene, from all."""

from __future__ import annotations

from dataclasses import dataclass

SERVICES = {
    "facts": ("visits", "notifications"),
    "people": ("directory", "visits", "notifications"),
    "states": ("directory", "notifications"),
    "cases": ("visits", "notifications"),
}
"""What clients ask for decides who takes part."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A kind of work and the faults that go with it."""

    kind: str
    faults: tuple[str, ...]


SCENES = {
    "killed": Scene("facts", ("kill", "terminate", "pause", "cut_database", "crash_database")),
    "log_away": Scene("facts", ("broker_away", "cut_broker", "bad_network", "slow_database", "rewind_group", "pause")),
    "log_lost": Scene("facts", ("lose_cluster", "split_clusters", "needless_replay", "bad_network", "pause")),
    "poisoned": Scene("facts", ("bad_handlers", "poison", "operate_quarantine", "slow_database", "kill")),
    "unknown_people": Scene("people", ("kill", "pause", "slow_database", "bad_network", "cut_broker")),
    "erased_people": Scene(
        "states", ("compact", "lose_cluster", "nightly_snapshot", "pause", "rewind_group", "bad_network")
    ),
    "restored": Scene("people", ("restore", "bad_network", "pause")),
    "deadlines": Scene("facts", ("jump_clock", "pass_time", "pause", "kill", "slow_database", "bad_handlers")),
    "cases": Scene("cases", ("bad_handlers", "pass_time", "kill", "cut_database", "crash_database", "pause")),
    "cases_log_lost": Scene(
        "cases", ("lose_cluster", "split_clusters", "rewind_group", "terminate", "pass_time", "bad_network")
    ),
}
