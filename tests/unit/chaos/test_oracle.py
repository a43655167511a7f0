"""Each breach is seen: a comparison that finds nothing wrong in anything would prove nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.databases import Databases
from tests.chaos.ledger import Ledger
from tests.chaos.oracle import (
    Findings,
    judge_commands,
    judge_findings,
    judge_log,
    judge_messages,
    judge_readers,
    judge_timers,
)
from tests.chaos.schedule import Command, Finding, Story
from tests.harness.raw_log import Record

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CASE = "5a7c1f9e-0000-4000-8000-000000000001"


def fact(version: int, kind: str, at: datetime = NOON, **body: Any) -> dict[str, Any]:
    return {
        "seq": version,
        "event_id": f"event-{version}",
        "topic": "gemba.case",
        "aggregate": CASE,
        "version": version,
        "type": f"gemba.{kind}.v1",
        "body": json.dumps(body).encode(),
        "occurred_at": at,
    }


def record(version: int, event_id: str | None = None) -> Record:
    headers = (("ce_version", str(version).encode()), ("ce_id", (event_id or f"event-{version}").encode()))
    return Record("gemba.case", CASE.encode(), b"{}", headers)


HISTORY = [fact(1, "CaseOpened"), fact(2, "CaseAcknowledged"), fact(3, "CaseProgressed")]


@pytest.fixture
def kept() -> Databases:
    return Databases(
        outbox={"visits": list(HISTORY)},
        watermarks={(group, "gemba.case", CASE): 3 for group in ("scheduler.case", "notifications.case")},
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.jsonl")
    for act in ("raise", "acknowledge"):
        command = Command(act, act)
        made.note(made.begin(Story(0, CASE, 1, ()), command, CASE), "201", acknowledged=True)
    yield made
    made.close()


def test_what_was_kept_as_promised_is_no_breach(kept: Databases, ledger: Ledger) -> None:
    found = Findings()
    judge_commands(ledger, kept, found)
    judge_log([record(1), record(2), record(2), record(3)], kept, found)
    judge_readers(kept, found)
    judge_timers(kept.outbox["visits"], found)
    assert not found.breaches
    assert found.log_repeats == 1, "the same fact again is what a log may do"


def test_an_acknowledged_command_without_its_fact_is_lost(kept: Databases, ledger: Ledger) -> None:
    kept.outbox["visits"] = HISTORY[:1]
    found = Findings()
    judge_commands(ledger, kept, found)
    assert found.count("lost") == 1


def test_one_wish_with_two_facts_is_duplicated(kept: Databases, ledger: Ledger) -> None:
    kept.outbox["visits"] = [*HISTORY, fact(4, "CaseAcknowledged")]
    found = Findings()
    judge_commands(ledger, kept, found)
    assert found.count("duplicated") == 1


def about(aggregate: str, kind: str, **body: Any) -> dict[str, Any]:
    return fact(1, kind, **body) | {"topic": "gemba.visit", "aggregate": aggregate}


REPORT = Story(
    1, "report", 3, (), "report", 0, (Finding("worse", 3, "minor"), Finding("noted", 5, "observation"))
)  # fmt: skip
REPORTED = [
    about("visit", "VisitReported"),
    about("worse", "FindingRecorded"),
    about("noted", "FindingRecorded"),
    about("action", "ActionOpened", finding_id="worse"),
]


@pytest.mark.parametrize(
    ("facts", "breaches"),
    [
        (REPORTED, {}),
        ([], {"lost": 1}),
        (REPORTED[:2] + REPORTED[3:], {"lost": 1}),
        (REPORTED[:3], {"lost": 1}),
        (REPORTED[1:], {"lost": 1, "duplicated": 2}),
        ([*REPORTED, about("another", "ActionOpened", finding_id="worse")], {"duplicated": 1}),
        ([*REPORTED, about("another", "ActionOpened", finding_id="noted")], {"duplicated": 1}),
        ([*REPORTED, REPORTED[0]], {"duplicated": 1, "lost": 2}),
    ],
)
def test_a_report_is_there_with_all_its_findings_and_their_actions_once(
    tmp_path: Path, facts: list[dict[str, Any]], breaches: dict[str, int]
) -> None:
    ledger, kept, found = Ledger(tmp_path / "ledger.jsonl"), Databases(outbox={"visits": facts}), Findings()
    ledger.note(ledger.begin(REPORT, Command("report", "key"), "visit"), "201", acknowledged=True)
    judge_commands(ledger, kept, found)
    judge_findings(ledger, kept, found)
    assert {name: len(said) for name, said in found.breaches.items()} == breaches
    ledger.close()


@pytest.mark.parametrize(
    ("log", "name"),
    [
        ([record(1), record(3), record(2)], "inverted"),
        ([record(1), record(2)], "lost"),
        ([record(1), record(2), record(3), record(3, "somebody else's")], "duplicated"),
    ],
)
def test_a_log_that_is_not_the_outbox_is_seen(kept: Databases, log: list[Record], name: str) -> None:
    found = Findings()
    judge_log(log, kept, found)
    assert found.count(name) >= 1


def test_a_reader_that_is_behind_is_stuck(kept: Databases) -> None:
    kept.watermarks["scheduler.case", "gemba.case", CASE] = 2
    found = Findings()
    judge_readers(kept, found)
    assert found.count("stuck") == 1


def test_a_deadline_that_fired_early_or_twice_is_seen() -> None:
    due = NOON + timedelta(hours=2)
    opened = fact(1, "CaseOpened", step=1, respond_by=due.isoformat())
    early = fact(2, "CaseEscalated", due - timedelta(seconds=1), step=2, cause="no_acknowledgement")
    twice = fact(3, "CaseEscalated", due, step=2, cause="no_acknowledgement")
    found = Findings()
    judge_timers([opened, early, twice], found)
    assert (found.count("timers_early"), found.count("timers_doubled")) == (1, 1)


def mail(message_id: str, at: datetime) -> dict[str, Any]:
    return {"kind": "mail", "message_id": f"<{message_id}@gemba.gemba>", "at": at.isoformat()}


def message(message_id: str, state: str = "sent") -> dict[str, Any]:
    return {"message_id": message_id, "about": CASE, "step": 1, "recipient_id": "r", "channel": "email",
            "state": state, "attempts": 1, "sent_with": None}  # fmt: skip


def test_a_mail_that_never_came_was_invented_or_never_left_is_seen() -> None:
    kept = Databases(outbox={"visits": []}, messages=[message("a"), message("b", "queued")])
    found = Findings()
    judge_messages(kept, [mail("c", NOON)], [], found)
    assert [found.count(name) for name in ("lost", "stuck", "duplicated")] == [1, 1, 1]


@pytest.mark.parametrize(("dying", "said"), [(True, False), (False, True)])
def test_a_mail_may_come_twice_only_while_something_was_dying(dying: bool, said: bool) -> None:
    kept = Databases(outbox={"visits": []}, messages=[message("a")])
    window = (NOON.timestamp() - 5, NOON.timestamp() + 5)
    found = Findings()
    judge_messages(kept, [mail("a", NOON), mail("a", NOON + timedelta(seconds=9))], [window] if dying else [], found)
    (sentence,) = found.breaches["mails_repeated"]
    assert ("nothing was dying" in sentence) is said
