"""What differs between two plans of the same visits, and what that means for people."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.scheduler.domain.world import Seat


@dataclass(frozen=True, slots=True)
class Change:
    """A visit that is not where it was; one of the two seats may be missing."""

    visit_id: UUID
    before: Seat | None
    after: Seat | None

    @property
    def kind(self) -> str:
        """`placed`, `dropped`, `moved` (another time), `reassigned` (other people) or `moved_and_reassigned`."""
        if self.before is None:
            return "placed"
        if self.after is None:
            return "dropped"
        moved = (self.before.day, self.before.start) != (self.after.day, self.after.start)
        if crew(self.before) == crew(self.after):
            return "moved"
        return "moved_and_reassigned" if moved else "reassigned"


@dataclass(slots=True)
class Told:
    """One person, or one enterprise's contacts: how many messages, and what happens in their calendar."""

    messages: int = 0
    new: int = 0
    updated: int = 0
    cancelled: int = 0
    first: date | None = None
    last: date | None = None

    def on(self, *seats: Seat | None) -> None:
        """Count one message about these seats."""
        self.messages += 1
        for seat in seats:
            if seat is not None:
                self.first = min(self.first or seat.day, seat.day)
                self.last = max(self.last or seat.day, seat.day)


@dataclass(frozen=True, slots=True)
class Effects:
    """Who is told and whose calendar changes, trainers and enterprises by id."""

    changes: tuple[Change, ...]
    trainers: Mapping[UUID, Told]
    enterprises: Mapping[UUID, Told]

    @property
    def kinds(self) -> dict[str, int]:
        """How many changes there are of each kind."""
        return dict(Counter(one.kind for one in self.changes))

    def entries(self) -> dict[str, int]:
        """Calendar entries, of trainers and enterprises together."""
        told = [*self.trainers.values(), *self.enterprises.values()]
        return {name: sum(getattr(one, name) for one in told) for name in ("new", "updated", "cancelled")}


def crew(seat: Seat) -> frozenset[UUID]:
    """Everybody who goes."""
    return frozenset((seat.trainer_id, *seat.co_trainer_ids))


def changes_between(before: Iterable[Seat], after: Iterable[Seat]) -> tuple[Change, ...]:
    """Every visit whose seat differs, in the order of the days."""
    old, new = {s.visit_id: s for s in before}, {s.visit_id: s for s in after}
    found = [Change(one, old.get(one), new.get(one)) for one in dict.fromkeys((*old, *new))]

    def when(change: Change) -> tuple[date, str]:
        seat = change.after or change.before
        assert seat is not None
        return seat.day, str(change.visit_id)

    return tuple(sorted((c for c in found if _differs(c)), key=when))


def _differs(change: Change) -> bool:
    a, b = change.before, change.after
    if a is None or b is None:
        return True
    return (a.day, a.start, a.end, a.days, crew(a), a.trainer_id, frozenset(a.absent_ids)) != (
        b.day,
        b.start,
        b.end,
        b.days,
        crew(b),
        b.trainer_id,
        frozenset(b.absent_ids),
    )


def effects_of(changes: Iterable[Change], enterprises: Mapping[UUID, Iterable[UUID]]) -> Effects:
    """Who hears of these changes; `enterprises` by visit. A trainer hears of a visit once, however it changed."""
    changes = tuple(changes)
    trainers: dict[UUID, Told] = {}
    sites: dict[UUID, Told] = {}
    for one in changes:
        was = crew(one.before) if one.before else frozenset()
        now = crew(one.after) if one.after else frozenset()
        for person in sorted(was | now):
            told = trainers.setdefault(person, Told())
            told.on(one.after if person in now else one.before)
            told.new += person in now - was
            told.updated += person in now & was
            told.cancelled += person in was - now
        for site in enterprises.get(one.visit_id, ()):
            invited = one.before is not None and site not in one.before.absent_ids
            invites = one.after is not None and site not in one.after.absent_ids
            if invited or invites:
                told = sites.setdefault(site, Told())
                told.on(one.after if invites else one.before)
                told.new += invites and not invited
                told.updated += invites and invited
                told.cancelled += invited and not invites
    return Effects(changes, trainers, sites)
