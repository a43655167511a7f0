"""What must hold after every step, and what must hold when all is healed and drained."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.contracts.person import PersonState
from shared.kafka.topics import BY_NAME, STATE
from tests.simulation.database import Database, Key, Row

if TYPE_CHECKING:
    from tests.simulation.world import World

Changes = dict[Key, tuple[Row | None, Row | None]]

_LIVE = {"waiting", "failing", "skip"}
_GROUPS = {
    "gemba.visit": (("notifications", "notifications.general"),),
    "gemba.case": (("notifications", "notifications.case"),),
    "gemba.message": (("visits", "visits.message"),),
}


class Broken(AssertionError):
    """A promise was broken; the message says which, where and when."""


class Promises:
    """Looks at every commit, every mail and every deadline that fires."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._mails: defaultdict[UUID, int] = defaultdict(int)
        self._allowed: defaultdict[UUID, int] = defaultdict(lambda: 1)
        self.broken: list[str] = []

    def breach(self, what: str) -> None:
        """Remember it, and stop the world."""
        self.broken.append(f"{what} (at {self._world.loop.time():.3f} s)")

    def after_commit(self, database: Database, changes: Changes) -> None:
        touched = set()
        for (table, key), (old, new) in changes.items():
            touched.add(table)
            check = getattr(self, f"_{table}", None)
            if check is not None:
                check(database, key, old, new)
        if database.name == "visits" and touched & {"cases", "timers"}:
            self._armed(database, changes)

    def _outbox(self, database: Database, key: Any, old: Row | None, new: Row | None) -> None:
        if old is not None and new != old:
            self.breach(
                f"lost: {database.name} changed or erased the fact {old['topic']} v{old['version']} of its outbox"
            )

    def _outbox_pending(self, database: Database, seq: int, old: Row | None, new: Row | None) -> None:
        cluster = self._world.network.cluster
        if new is not None or old is None or database.tables["log_state"][1]["cluster"] != cluster.id:
            return
        row = database.tables["outbox"][seq]
        if row["lane"] == STATE:
            there = cluster.versions.get((row["topic"], str(row["aggregate"])), 0) >= row["version"]
        else:
            there = (row["topic"], str(row["event_id"]).encode()) in cluster.events
        if not there:
            self.breach(
                f"lost: {database.name} struck {row['topic']} v{row['version']} off its list, and the log has it not"
            )

    def _watermarks(self, database: Database, key: Any, old: Row | None, new: Row | None) -> None:
        before = old["version"] if old else 0
        if new is None or new["version"] != before + 1:
            self.breach(f"order: the watermark {key[:2]} went from {before} to {new and new['version']}")

    def _effects(self, database: Database, key: Any, old: Row | None, new: Row | None) -> None:
        handled = new["handled"] if new else ()
        if list(handled) != sorted(set(handled)):
            self.breach(f"doubled or inverted: the effects of a visit were {handled}")

    def _parked(self, database: Database, key: Any, old: Row | None, new: Row | None) -> None:
        if new is not None and (new["next_at"] is not None) != (new["state"] in _LIVE):
            self.breach(f"stuck: a parked row is {new['state']} and its next time is {new['next_at']}")
        if new is not None and new["value"] is not None and BY_NAME[new["topic"]].is_state:
            self.breach("personal data: the body of a state was parked")

    def _fired(self, database: Database, key: Any, old: Row | None, new: Row | None) -> None:
        if old is not None:
            self.breach(f"doubled: the deadline {key[0]} fired twice")

    def _state_copies(self, database: Database, key: Any, old: Row | None, new: Row | None) -> None:
        if old is not None and (new is None or new["version"] <= old["version"]):
            self.breach(f"a copy of {key[0]} went from version {old['version']} to {new and new['version']}")
        if old is not None and new is not None and old["erased"] and not new["erased"]:
            self.breach("somebody who was erased is back")

    def _armed(self, database: Database, changes: Changes) -> None:
        cases = {key[1] if isinstance(key, tuple) else key for (table, key) in changes if table in {"cases", "timers"}}
        for case_id in cases:
            case = database.tables["cases"].get(case_id)
            if (
                case is not None
                and case["standing"] != "closed"
                and ("case.step", case_id) not in database.tables["timers"]
            ):
                self.breach("quiet: an open case has no deadline")

    def mail(self, message_id: UUID) -> None:
        """The mail server took it."""
        self._mails[message_id] += 1
        if self._mails[message_id] > self._allowed[message_id]:
            self.breach(f"doubled: a mail went {self._mails[message_id]} times")

    def excuse(self, message_id: UUID) -> None:
        """It was in flight when a connection or a process died: once more is allowed."""
        self._allowed[message_id] = self._mails[message_id] + 1

    def excuse_in_flight(self, database: Database) -> None:
        """Everything that was taken and is not settled."""
        for message_id in self._mails:
            row = database.tables["messages"].get(message_id)
            if row is None or row["state"] == "queued":
                self.excuse(message_id)

    def forget_mails(self) -> None:
        """The databases went back to before some of them."""
        self._mails.clear()

    def waiting(self) -> list[str]:
        """What is not yet as it must be in the end; nothing of it may last."""
        found: list[str] = []
        world = self._world
        for name, database in world.databases.items():
            if database.tables["outbox_pending"]:
                found.append(f"stuck: {len(database.tables['outbox_pending'])} records of {name} are pending")
            rows = database.tables["parked"].values()
            found += [
                f"stuck: {row['topic']} v{row['version']} is {row['state']} in {name}"
                for row in rows
                if row["state"] in _LIVE | {"quarantined"}
            ]
            now = world.now()
            found += [
                f"stuck: {row['kind']} is due" for row in database.tables["timers"].values() if row["due_at"] <= now
            ]
            found += [
                f"stuck: a message is {row['state']}"
                for row in database.tables["messages"].values()
                if row["state"] == "queued" and row["not_before"] <= now
            ]
        return [*found, *self._unread(), *self._unlike_the_owner(), *self._broken_promises_to_clients()]

    def _unread(self) -> list[str]:
        found = []
        for owner in self._world.databases.values():
            for (topic, aggregate), last in owner.tables["outbox_last"].items():
                for reader, group in _GROUPS.get(topic, ()):
                    if reader not in self._world.databases:
                        continue
                    tables = self._world.databases[reader].tables
                    mark = tables["watermarks"].get((group, topic, aggregate))
                    if (mark["version"] if mark else 0) != last["version"]:
                        found.append(
                            f"lost: {group} is at {mark and mark['version']} of {last['version']} of a {topic}"
                        )
                    elif topic == "gemba.visit":
                        found += self._without_effect(tables, aggregate, last["version"])
        return found

    def _without_effect(self, tables: dict[str, dict[Any, Row]], aggregate: UUID, last: int) -> list[str]:
        row = tables["effects"].get(aggregate)
        passed = {
            row["version"]
            for row in tables["parked"].values()
            if row["aggregate"] == aggregate and row["state"] == "skipped"
        }
        missing = set(range(1, last + 1)) - set(row["handled"] if row else ()) - passed
        return [f"lost: version {version} of a visit had no effect" for version in sorted(missing)]

    def _unlike_the_owner(self) -> list[str]:
        owner = self._world.databases.get("directory")
        if owner is None:
            return []
        found = []
        for name, database in self._world.databases.items():
            if name != "directory" and database.tables["people"] != owner.tables["people"]:
                found.append(f"{name} has other people than directory")
            for key in owner.tables["erased"]:
                known = database.tables["state_copies"].get((PersonState.topic, key))
                if known is None or not known["erased"]:
                    found.append(f"{name} does not know that somebody was erased")
        return found

    def _broken_promises_to_clients(self) -> list[str]:
        found = []
        for service, scope, key in self._world.promised:
            if (scope, key) not in self._world.databases[service].tables["commands"]:
                found.append(f"lost: {service} answered with success and knows nothing of it")
        return found
