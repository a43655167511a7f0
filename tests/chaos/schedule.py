"""What will be asked and what will go wrong, drawn from one seed: the same seed, the same schedule."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal
from uuid import UUID

from deploy.local.problem import Problem
from tests.chaos.kinds import Kind

FACTS_PER_FAULT = 5
"""A fault among fewer facts would meet no load."""
REPORTS = 6
OFFERS = 24
"""Visits that have begun and can be reported, and offers that wait for an answer: what a campaign makes beforehand."""
LEAST_WITH_VISITS = 100
"""Of fewer facts all are of cases: making cohorts would take longer than the campaign."""
_VISITS_SHARE = 0.5
_SILENT = 0.25
_DECLINED = 0.2
_MOST_NOTES = 6
_MOST_FINDINGS = 3
_FACTS_PER_ROUND = 50
_ITEMS = (1, 4, 7, 9)
_ORDINARY_ITEMS = (2, 3, 5, 6, 8)


@dataclass(frozen=True, slots=True)
class Command:
    """One wish of a client, with the idempotency key that every repetition carries. Granted, it makes one fact."""

    act: str
    key: str


@dataclass(frozen=True, slots=True)
class Finding:
    """An ordinary one, as a trainer's phone makes it."""

    finding_id: str
    item: int
    grade: str


@dataclass(frozen=True, slots=True)
class Story:
    """What becomes of one case, one visit or one offer, in this order.

    A silent case is raised, and nobody answers. Of a reported visit's first action, evidence is handed in and returned,
    and in the end perhaps accepted. Visits and offers have ids that the system makes: `place` counts them.
    """

    number: int
    subject: str
    """A case's id, or a report's."""
    item: int
    commands: tuple[Command, ...]
    kind: Literal["case", "report", "offer"] = "case"
    place: int = 0
    findings: tuple[Finding, ...] = ()


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

    @property
    def has_visits(self) -> bool:
        """Whether visits and offers must be there before it begins."""
        return any(story.kind != "case" for story in self.stories)

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
    stories = _stories(facts, chance)
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
    return Schedule(seed, stories, tuple(drawn))


def _stories(facts: int, chance: random.Random) -> tuple[Story, ...]:
    stories: list[Story] = []
    left = facts
    # As many visits as there are, in an order of the seed; cases between them, and when there are no more.
    visits = [("report", place) for place in range(REPORTS)] + [("offer", place) for place in range(OFFERS)]
    chance.shuffle(visits)
    if facts < LEAST_WITH_VISITS:
        visits = []
    while left:
        number = len(stories)
        if visits and chance.random() < _VISITS_SHARE:
            kind, place = visits.pop()
            story = _report(number, place, left, facts, chance) if kind == "report" else _offer(number, place, chance)
        else:
            story = _case(number, left, chance)
        stories.append(story)
        left -= len(story.commands)
    return tuple(stories)


def _case(number: int, most: int, chance: random.Random) -> Story:
    acts = ["raise"]
    if chance.random() > _SILENT:
        acts += ["acknowledge", *["note"] * chance.randint(0, _MOST_NOTES)]
        if chance.random() < 0.5:
            acts += ["propose", "approve"]
    commands = tuple(Command(act, _uuid(chance)) for act in acts[:most])
    return Story(number, _uuid(chance), chance.choice(_ITEMS), commands)


def _report(number: int, place: int, most: int, facts: int, chance: random.Random) -> Story:
    """The first finding is a minor one: its action is verified on the desk."""
    grades = ["minor", *(chance.choice(("observation", "minor")) for _ in range(chance.randrange(_MOST_FINDINGS)))]
    findings = tuple(Finding(_uuid(chance), chance.choice(_ORDINARY_ITEMS), grade) for grade in grades)
    acts = ["report", *["evidence", "return"] * chance.randint(0, 3 + facts // _FACTS_PER_ROUND)]
    if chance.random() < 0.5:
        acts += ["evidence", "verify"]
    commands = tuple(Command(act, _uuid(chance)) for act in acts[:most])
    return Story(number, _uuid(chance), findings[0].item, commands, "report", place, findings)


def _offer(number: int, place: int, chance: random.Random) -> Story:
    act = "decline" if chance.random() < _DECLINED else "accept"
    return Story(number, _uuid(chance), 0, (Command(act, _uuid(chance)),), "offer", place)


def _uuid(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))
