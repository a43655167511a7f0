"""What can be said about a message's subject: the values of its table and of the places in its words."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.notifications.composition import dates
from services.notifications.domain.message import Message
from services.notifications.domain.recipient import Recipient
from services.notifications.domain.wording import one_line, short_reference

Places = Mapping[UUID, tuple[str, str]]
"""Name and region of enterprises."""


class Facts:
    """The facts of one message for one reader, each worded when it is asked for."""

    def __init__(self, message: Message, reader: Recipient, places: Places, words: dates.Words) -> None:
        self._message = message
        self._data = message.data
        self._reader = reader
        self._places = places
        self._words = words

    def line(self, name: str) -> tuple[str, str]:
        """A label and its value, for the table."""
        worded: Callable[[], str] = getattr(self, name)
        return self._words["labels"][name], worded()

    def surroundings(self) -> dict[str, Any]:
        """What the words of a message may use: plain values only, so that a missing one is an error."""
        values: dict[str, Any] = {
            "name": one_line(self._reader.name),
            "reference": short_reference(self._message.about),
            "reason": self._data.get("reason"),
            "outcome": self._data.get("outcome"),
            "tier": self._data.get("tier"),
            "topic": self._data.get("topic"),
            "placed": self._data.get("placed"),
            "unplaced": self._data.get("unplaced"),
            "module": self._data.get("module"),
        }
        for fact in ("where", "what", "when", "day", "respond_by", "due", "item"):
            values[fact] = getattr(self, fact)() if self._has(fact) else ""
        return values

    def _has(self, fact: str) -> bool:
        source = {"where": "enterprise_ids", "what": "kind", "when": "starts_at", "day": "starts_at", "due": "due_at"}
        return self._data.get(source.get(fact, fact)) is not None

    def when(self) -> str:
        return dates.span(self._instant("starts_at"), self._instant("ends_at"), self._zone(), self._words)

    def day(self) -> str:
        """The day of a visit, on the wall of its site."""
        return dates.day(self._instant("starts_at").astimezone(self._zone()).date(), self._words)

    def where(self) -> str:
        found = [self._places.get(UUID(one)) for one in self._data["enterprise_ids"]]
        named = [
            f"{one_line(name)} ({one_line(region)})" if region else one_line(name)
            for name, region in filter(None, found)
        ]
        return "; ".join(named) or str(self._words["labels"]["unknown_site"])

    def what(self) -> str:
        return str(self._words["kinds"][self._data["kind"]])

    def respond_by(self) -> str:
        return dates.instant(self._instant("respond_by"), self._reader.zone, self._words)

    def reference(self) -> str:
        return short_reference(self._message.about)

    def due(self) -> str:
        if self._data.get("due_at") is None:
            return str(self._words["labels"]["no_due_date"])
        return dates.day(self._instant("due_at").astimezone(self._reader.zone).date(), self._words)

    def item(self) -> str:
        number = int(self._data["item"])
        return f"{number} · {self._words['items'][number - 1]}"

    def module(self) -> str:
        return one_line(str(self._data["module"]))

    def enterprises(self) -> str:
        return str(self._data["enterprises"])

    def period(self) -> str:
        first, last = (date.fromisoformat(self._data[name]) for name in ("first_day", "last_day"))
        return f"{dates.day(first, self._words)} – {dates.day(last, self._words)}"

    def placed(self) -> str:
        shape: str = self._words["labels"]["placed_of"]
        return shape.format(placed=self._data["placed"], all=self._data["placed"] + self._data["unplaced"])

    def visits(self) -> str:
        return str(self._data["visits"])

    def figures(self) -> str:
        shape: str = self._words["labels"]["figures_of"]
        return shape.format(**{name: self._data[name] for name in ("planned", "reported", "withdrawn", "moved")})

    def why(self) -> str:
        known: Mapping[str, str] = self._words["reasons"]
        codes = [str(code) for code in self._data["codes"]] or ["nobody_left"]
        return "; ".join(dict.fromkeys(known.get(code, known["other"]) for code in codes))

    def _instant(self, name: str) -> datetime:
        return datetime.fromisoformat(self._data[name])

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._data["zone"])
