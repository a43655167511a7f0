"""Protocol packs: who is alerted of a zero-tolerance case, how long each may take, who may close it. Data, not code.

A case is pinned to the version it was opened under, so a released version never changes (a test holds its
checksum); a correction is a new version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.visits.domain.working_time import Calendar, ClockKind, Span, WorkingWeek

ROLES = frozenset({"officer", "deputy", "head"})
ACTS = ("raise", "acknowledge", "confirm", "propose", "approve")
CHANNELS = frozenset({"email", "sms"})
ITEMS = {
    1: "Employment is freely chosen",
    2: "Freedom of association and collective bargaining",
    3: "Safe and healthy working environment",
    4: "No child labour",
    5: "Living wages",
    6: "Working hours are not excessive",
    7: "No discrimination",
    8: "Regular employment",
    9: "No harsh or inhuman treatment",
}
"""The clauses of the ETI Base Code: the stable key of a finding."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Who is alerted, and how long they have to acknowledge."""

    role: str
    respond: Span


@dataclass(frozen=True, slots=True)
class Pack:
    """One released version of a protocol."""

    name: str
    version: int
    title: str
    triggers: frozenset[int]
    tiers: tuple[Tier, ...]
    shelf_life: Span
    ask_again: Span
    page_unowned: Span
    repage_lost: Span
    approve_within: Span
    alert_lost_after: timedelta
    verify_within: timedelta
    longest_step: timedelta
    may: Mapping[str, frozenset[str]]
    channels: tuple[str, ...]
    weeks: Mapping[str, WorkingWeek]

    def week_of(self, country: str) -> WorkingWeek:
        """The working week of a country; the pack's default where it names none."""
        return self.weeks.get(country) or self.weeks["default"]

    def deadline(self, span: Span, now: datetime, calendar: Calendar) -> datetime:
        """When `span` is over; holidays in a row never push it beyond the longest step."""
        return min(span.after(now, calendar), now + self.longest_step)


def parse_pack(data: Mapping[str, Any]) -> Pack:
    """Read and check a pack. Raises `ValueError` that names what is wrong: a service does not start on half a protocol."""
    name, version = str(data["pack"]), int(data["version"])
    where = f"Pack {name} version {version}"
    pack = Pack(
        name=name,
        version=version,
        title=str(data["title"]),
        triggers=frozenset(int(trigger["item"]) for trigger in data["triggers"] if trigger["on"]),
        tiers=tuple(Tier(str(tier["role"]), _span(tier["respond"], where)) for tier in data["tiers"]),
        shelf_life=_span(data["acknowledgement"]["shelf_life"], where),
        ask_again=_span(data["acknowledgement"]["ask_again"], where),
        page_unowned=_span(data["unowned"]["page_every"], where),
        repage_lost=_span(data["unowned"]["page_again_when_lost"], where),
        approve_within=_span(data["closure"]["approve_within"], where),
        alert_lost_after=_span(data["alert_lost_after"], where).length,
        verify_within=timedelta(days=data["verification"]["within_days"]),
        longest_step=timedelta(days=data["longest_step_days"]),
        may={act: frozenset(data["may"][act]) for act in ACTS},
        channels=tuple(data["channels"]),
        weeks={country: _week(week, where) for country, week in data["working_weeks"].items()},
    )
    for problem in _problems(pack):
        raise ValueError(f"{where}: {problem}")
    return pack


def _problems(pack: Pack) -> Sequence[str]:
    found = []
    if not pack.triggers or not pack.triggers <= set(ITEMS):
        found.append("triggers must be items 1 to 9, at least one of them on")
    if not pack.tiers or any(tier.role not in ROLES for tier in pack.tiers):
        found.append(f"tiers must name roles of {sorted(ROLES)}, at least one")
    if any(not roles or not roles <= ROLES for roles in pack.may.values()):
        found.append(f"each of {ACTS} must be allowed to roles of {sorted(ROLES)}")
    if not pack.channels or not set(pack.channels) <= CHANNELS:
        found.append(f"channels must be of {sorted(CHANNELS)}, at least one")
    if "default" not in pack.weeks:
        found.append("working_weeks must have a default")
    spans = [tier.respond for tier in pack.tiers]
    spans += [pack.shelf_life, pack.ask_again, pack.page_unowned, pack.repage_lost, pack.approve_within]
    if any(span.length > pack.longest_step for span in spans) or pack.alert_lost_after > pack.longest_step:
        found.append("no step may be longer than longest_step_days")
    return found


def _span(data: Mapping[str, Any], where: str) -> Span:
    length = timedelta(hours=data.get("hours", 0), minutes=data.get("minutes", 0))
    if length <= timedelta(0):
        raise ValueError(f"{where}: a step of {dict(data)} has no length; give hours or minutes")
    return Span(length, ClockKind(data["clock"]))


def _week(data: Mapping[str, Any], where: str) -> WorkingWeek:
    opens, closes = (_since_midnight(data[bound]) for bound in ("opens", "closes"))
    days = frozenset(int(day) for day in data["days"])
    if not days or not days <= set(range(1, 8)) or opens >= closes:
        raise ValueError(f"{where}: a working week of {dict(data)} has no working time")
    return WorkingWeek(ZoneInfo(data["zone"]), days, opens, closes)


def _since_midnight(wall: str) -> timedelta:
    hours, minutes = wall.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
