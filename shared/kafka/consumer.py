"""What a service declares it listens to: a group, and a handler per fact, state and command.

Handlers run in the transaction that moves the watermark. Facts without a handler still move it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from shared.contracts import Command, Fact, State
from shared.db import Connection
from shared.kafka.topics import Topic, topics_of

FactHandler = Callable[..., Awaitable[None]]
"""`async def on_<event>(fact, *, conn, deps)`. Raises `NotKnownYet` to wait for what the fact refers to,
`Rejected` to refuse it visibly, `Transient` for a passing fault; anything else counts as failed."""

ProjectionHandler = Callable[..., Awaitable[None]]
"""`async def on_<events>(facts, *, conn, deps)`: what several facts of one type mean, oldest first of each aggregate.
They come alone, too: after a failure, or out of parking. Raises as a `FactHandler` does."""

StateHandler = Callable[..., Awaitable[None]]
"""`async def on_<thing>(key, state, *, conn, deps)`; `state` is None when the key was erased."""

OnStuck = Callable[[str, UUID | None, Connection, Any], Awaitable[None]]
"""Told, in the same transaction, that a record was set aside: `(topic, aggregate, conn, deps)`."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """One consumer group. Which topics it reads stands in `shared/kafka/topics.py`."""

    group: str
    facts: Mapping[type[Fact], FactHandler] = field(default_factory=dict)
    projections: Mapping[type[Fact], ProjectionHandler] = field(default_factory=dict)
    """Handlers that take a whole poll in one transaction (`shared/kafka/projection.py`)."""
    states: Mapping[type[State], StateHandler] = field(default_factory=dict)
    commands: Mapping[type[Command], FactHandler] = field(default_factory=dict)
    on_stuck: OnStuck | None = None
    unhurried: bool = False
    """Nobody waits for what comes of it: what a poll brings is left for a moment (`shared/kafka/broker.py`), so that more
    comes together, and it is handled when what the same facts did elsewhere, which somebody waits for, is done."""

    def __post_init__(self) -> None:
        read = {topic.name for topic in self.topics}
        for model in (*self.facts, *self.projections, *self.states, *self.commands):
            if model.topic not in read:
                raise ValueError(f"{self.group} handles {model.type} but does not read {model.topic}.")
        for model in self.facts.keys() & self.projections.keys():
            raise ValueError(f"{self.group} handles {model.type} twice: by itself, and in a projection.")

    @property
    def topics(self) -> tuple[Topic, ...]:
        """What the group subscribes to."""
        return topics_of(self.group)
