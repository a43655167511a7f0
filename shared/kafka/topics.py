"""Every topic, who writes it and who reads it: the one place that provisioning, ACLs and lanes are made from."""

from dataclasses import dataclass, field

PARTITIONS = 6
_FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
_COMPACTED = {
    "cleanup.policy": "compact",
    "max.compaction.lag.ms": str(7 * 24 * 3600 * 1000),  # bounds how long erased data stays readable
    "delete.retention.ms": str(30 * 24 * 3600 * 1000),
    "min.cleanable.dirty.ratio": "0.1",
}
_DLQ = {"retention.ms": str(90 * 24 * 3600 * 1000), "cleanup.policy": "delete"}

GENERAL = "general"
ZERO_TOLERANCE = "zero_tolerance"
STATE = "state"
LANES = (GENERAL, ZERO_TOLERANCE, STATE)

COMMAND_TOPIC = "gemba.command"

SERVICES = ("directory", "scheduler", "visits", "notifications")


@dataclass(frozen=True, slots=True)
class Topic:
    """`writers` and `readers` are services; `groups` are the consumer groups that read it."""

    name: str
    writers: tuple[str, ...]
    groups: tuple[str, ...]
    config: dict[str, str] = field(default_factory=lambda: dict(_FOR_EVER))
    partitions: int = PARTITIONS
    lane: str = GENERAL
    mixed: bool = False
    """Whether some of its aggregates live in the zero-tolerance lane (each in one lane for its whole life)."""

    @property
    def is_state(self) -> bool:
        """Compacted: the newest version of a key wins, a tombstone erases."""
        return self.lane == STATE

    @property
    def is_counted(self) -> bool:
        """Whether its records carry the versions of an aggregate: facts do; states and commands do not."""
        return not self.is_state and self.name != COMMAND_TOPIC

    @property
    def readers(self) -> tuple[str, ...]:
        """The services whose groups read it; a writer also reads the end of its own topics at start."""
        return tuple(sorted({group.split(".")[0] for group in self.groups} | set(self.writers)))


_OWNED = (
    Topic("gemba.person", ("directory",),
          ("scheduler.general", "visits.general", "notifications.general"), dict(_COMPACTED), lane=STATE),
    Topic("gemba.enterprise", ("directory",),
          ("scheduler.general", "visits.general", "notifications.general"), dict(_COMPACTED), lane=STATE),
    Topic(COMMAND_TOPIC, (), ("scheduler.command",)),
    Topic("gemba.cohort", ("scheduler",), ("notifications.general", "visits.general")),
    Topic("gemba.booking", ("scheduler",), ("visits.general", "notifications.general")),
    Topic("gemba.visit", ("visits",), ("scheduler.general", "notifications.general")),
    Topic("gemba.finding", ("visits",), ()),
    Topic("gemba.action", ("visits",), ("scheduler.general", "notifications.general")),
    Topic("gemba.case", ("visits",), ("scheduler.case", "notifications.case"), lane=ZERO_TOLERANCE),
    Topic("gemba.message", ("notifications",), ("visits.message",), mixed=True),
)  # fmt: skip


def dlq_name(topic: str, group: str) -> str:
    """Where a consumer group announces what it quarantined of a topic."""
    return f"{topic}.{group}.dlq"


def _dlqs() -> tuple[Topic, ...]:
    return tuple(
        Topic(dlq_name(topic.name, group), (group.split(".")[0],), (), dict(_DLQ), partitions=1)
        for topic in _OWNED
        for group in topic.groups
    )


TOPICS: tuple[Topic, ...] = _OWNED + _dlqs()
BY_NAME = {topic.name: topic for topic in TOPICS}


def topics_of(group: str) -> tuple[Topic, ...]:
    """The topics that a consumer group subscribes to."""
    return tuple(topic for topic in TOPICS if group in topic.groups)


def lanes_of(service: str) -> tuple[str, ...]:
    """The lanes that a service's facts leave in: one relay each."""
    written = [topic for topic in TOPICS if service in topic.writers]
    lanes = {topic.lane for topic in written}
    if any(topic.mixed for topic in written):
        lanes.add(ZERO_TOLERANCE)
    return tuple(sorted(lanes))
