"""What will be asked and what will go wrong, drawn from one seed: the same seed, the same schedule."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from deploy.local.problem import Problem
from tests.chaos.kinds import Kind

FACTS_PER_FAULT = 5
"""A fault among fewer facts would meet no load."""
_SILENT = 0.25
_MOST_NOTES = 6
_ITEMS = (1, 4, 7, 9)


@dataclass(frozen=True, slots=True)
class Command:
    """One wish of a client, with the idempotency key that every repetition carries. Granted, it makes one fact."""

    act: str
    key: str


@dataclass(frozen=True, slots=True)
class Story:
    """What becomes of one case, in this order. A silent one is raised, and nobody answers."""

    number: int
    case_id: str
    item: int
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """`at`: how many commands were sent before. `pick` chooses among those that it may hit, from 0 to 1."""

    number: int
    kind: str
    at: int
    seconds: float
    pick: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that is decided beforehand."""

    seed: int
    stories: tuple[Story, ...]
    faults: tuple[Fault, ...]

    @property
    def facts(self) -> int:
        return sum(len(story.commands) for story in self.stories)

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1)


def draw(seed: int, facts: int, faults: int, kinds: Sequence[Kind]) -> Schedule:
    """Stories of exactly `facts` commands, and `faults` faults spread over them. Raises Problem when they do not fit."""
    if facts < 1 or faults < 0:
        raise Problem("--facts is at least 1 and --faults at least 0", remedy="for example --faults 10 --facts 1000")
    if faults * FACTS_PER_FAULT > facts:
        raise Problem(
            f"{faults} faults do not fit into {facts} facts: each needs {FACTS_PER_FAULT} of them around it",
            remedy=f"--faults {facts // FACTS_PER_FAULT}, or --facts {faults * FACTS_PER_FAULT}",
        )
    chance = random.Random(f"gemba chaos {seed}")
    stories: list[Story] = []
    left = facts
    while left:
        story = _story(len(stories), left, chance)
        stories.append(story)
        left -= len(story.commands)
    # Of each kind one, before any comes twice.
    order = [kind for _ in range(0, faults, len(kinds)) for kind in chance.sample(list(kinds), len(kinds))]
    step = facts / (faults + 1)
    drawn = [
        Fault(
            number=number,
            kind=kind.name,
            at=int(step * (number + 1) + chance.uniform(-0.25, 0.25) * step),
            seconds=round(chance.uniform(1.0, 8.0), 1),
            pick=round(chance.random(), 4),
        )
        for number, kind in enumerate(order[:faults])
    ]
    return Schedule(seed, tuple(stories), tuple(drawn))


def _story(number: int, most: int, chance: random.Random) -> Story:
    acts = ["raise"]
    if chance.random() > _SILENT:
        acts += ["acknowledge", *["note"] * chance.randint(0, _MOST_NOTES)]
        if chance.random() < 0.5:
            acts += ["propose", "approve"]
    commands = tuple(Command(act, _uuid(chance)) for act in acts[:most])
    return Story(number, _uuid(chance), chance.choice(_ITEMS), commands)


def _uuid(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))
