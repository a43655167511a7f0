"""Compare what the client was told and what the sink received with every database and the log.

Nothing here asks a service: databases and log are read as they are, and the ledger was kept outside.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.local.installation import Installation
from shared.kafka.topics import BY_NAME, TOPICS
from tests.chaos.databases import Databases, read_databases
from tests.chaos.ledger import Ledger
from tests.harness.raw_log import Record, read_log

_FACT_OF = {
    "raise": "gemba.CaseOpened.v1",
    "acknowledge": "gemba.CaseAcknowledged.v1",
    "note": "gemba.CaseProgressed.v1",
    "propose": "gemba.ClosureProposed.v1",
    "approve": "gemba.CaseClosed.v1",
    "report": "gemba.VisitReported.v1",
    "accept": "gemba.VisitConfirmed.v1",
    "decline": "gemba.VisitDeclined.v1",
    "evidence": "gemba.EvidenceSubmitted.v1",
    "return": "gemba.EvidenceReturned.v1",
    "verify": "gemba.ActionVerified.v1",
}
_BY_CLOCK = ("gemba.CaseAckLapsed.v1", "gemba.CaseUnowned.v1")
_SILENCE = {"no_acknowledgement", "no_answer_when_asked_again"}


@dataclass(slots=True)
class Findings:
    """Each breach as a sentence, by the name under which it counts."""

    breaches: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    facts_kept: int = 0
    log_repeats: int = 0
    """Records that are on the log twice under one id: at least once is what a log promises."""

    def say(self, name: str, what: str) -> None:
        self.breaches[name].append(what)

    def count(self, name: str) -> int:
        return len(self.breaches.get(name, ()))


async def judge(
    gemba: Installation,
    ledger: Ledger,
    mails: Sequence[Mapping[str, Any]],
    excused: Sequence[tuple[float, float]],
    now: datetime,
) -> Findings:
    """Everything that is not as it was promised. All must be quiet; what is held for later than `now` does not wait."""
    found = Findings()
    kept = read_databases(gemba, now)
    log = await read_log(gemba)
    found.facts_kept = sum(map(len, kept.outbox.values()))
    judge_commands(ledger, kept, found)
    judge_findings(ledger, kept, found)
    judge_log(log, kept, found)
    judge_readers(kept, found)
    judge_timers(kept.outbox["visits"], found)
    judge_messages(kept, mails, excused, found)
    for what in kept.stuck:
        found.say("stuck", what)
    for case_id in kept.unarmed:
        found.say("lost", f"open case {case_id} has no armed timer")
    return found


def judge_commands(ledger: Ledger, kept: Databases, found: Findings) -> None:
    """Acknowledged and not there is lost; there more often than it was asked for is duplicated."""
    made: Counter[tuple[str, str]] = Counter((row["aggregate"], row["type"]) for row in kept.outbox["visits"])
    asked: Counter[tuple[str, str]] = Counter()
    sent: Counter[tuple[str, str]] = Counter()
    for about, act, acknowledged in ledger.of_acts():
        asked[about, act] += acknowledged
        sent[about, act] += 1
    for (about, act), count in sorted(sent.items()):
        told, there = asked[about, act], made[about, _FACT_OF[act]]
        if there < told:
            found.say("lost", f"{act} of {about}: acknowledged {told} times, {there} facts")
        if there > count and act != "propose":  # an approval that nobody gave asks again by the clock
            found.say("duplicated", f"{act} of {about}: asked for {count} times, {there} facts")
        if act == "note" and not told <= kept.notes[about] <= count:
            name = "lost" if kept.notes[about] < told else "duplicated"
            found.say(name, f"{about} has {kept.notes[about]} notes; {told} of {count} were acknowledged")


def judge_findings(ledger: Ledger, kept: Databases, found: Findings) -> None:
    """A report's findings are all there once, and the actions that they ask for, or nothing of it."""
    made: Counter[tuple[str, str]] = Counter((row["aggregate"], row["type"]) for row in kept.outbox["visits"])
    actions = Counter(
        str(json.loads(row["body"])["finding_id"])
        for row in kept.outbox["visits"]
        if row["type"] == "gemba.ActionOpened.v1"
    )
    for line in ledger.lines:
        if line.command.act != "report":
            continue
        reported = made[line.about, _FACT_OF["report"]]
        for finding in line.story.findings:
            there = made[finding.finding_id, "gemba.FindingRecorded.v1"]
            wanted = reported if finding.grade == "minor" else 0
            if there != reported or actions[finding.finding_id] != wanted:
                name = "lost" if there < reported or actions[finding.finding_id] < wanted else "duplicated"
                found.say(
                    name,
                    f"{finding.grade} finding {finding.finding_id} of visit {line.about}, reported {reported} times: "
                    f"recorded {there} times, {actions[finding.finding_id]} actions",
                )


def judge_log(log: Sequence[Record], kept: Databases, found: Findings) -> None:
    """Every fact of every outbox is there under its own id, and versions of one aggregate ascend."""
    mine = {row["event_id"]: row for rows in kept.outbox.values() for row in rows}
    seen: Counter[str] = Counter()
    newest: dict[tuple[str, str], int] = defaultdict(int)
    for record in log:
        topic = BY_NAME[record.topic]
        if topic.is_state or not record.header("ce_version"):
            continue
        event_id, key, version = record.header("ce_id"), record.key.decode(), int(record.header("ce_version"))
        seen[event_id] += 1
        if event_id not in mine:
            found.say("duplicated", f"{record.topic} {key} version {version}: {event_id} is in no outbox")
        elif seen[event_id] == 1 and version != newest[record.topic, key] + 1:
            found.say("inverted", f"{record.topic} {key}: version {version} came after {newest[record.topic, key]}")
        newest[record.topic, key] = max(newest[record.topic, key], version)
    found.log_repeats = sum(count - 1 for count in seen.values())
    for event_id in mine.keys() - seen.keys():
        row = mine[event_id]
        found.say("lost", f"{row['topic']} {row['aggregate']} version {row['version']} is not on the log")


def judge_readers(kept: Databases, found: Findings) -> None:
    """Every consumer group has handled every fact of what it reads, to the last version."""
    last: dict[tuple[str, str], int] = defaultdict(int)
    for rows in kept.outbox.values():
        for row in rows:
            last[row["topic"], row["aggregate"]] = max(last[row["topic"], row["aggregate"]], row["version"])
    groups = {topic.name: topic.groups for topic in TOPICS if topic.is_counted}
    for (topic, aggregate), version in last.items():
        for group in groups.get(topic, ()):
            at = kept.watermarks.get((group, topic, aggregate), 0)
            if at != version:
                found.say("stuck", f"{group} handled {topic} {aggregate} to version {at} of {version}")


def judge_timers(outbox: Iterable[Mapping[str, Any]], found: Findings) -> None:
    """What the clock did to each case: never before its deadline, each step once."""
    deadline: dict[str, datetime] = {}
    steps: Counter[tuple[str, int]] = Counter()
    for row in outbox:
        if row["topic"] != "gemba.case":
            continue
        fact, case_id = json.loads(row["body"]), row["aggregate"]
        by_clock = fact.get("cause") in _SILENCE or row["type"] in _BY_CLOCK
        if by_clock and case_id in deadline and row["occurred_at"] < deadline[case_id]:
            found.say("timers_early", f"{row['type']} of {case_id} at {row['occurred_at']}, due {deadline[case_id]}")
        if until := fact.get("respond_by") or fact.get("valid_until"):
            deadline[case_id] = datetime.fromisoformat(until)
        if step := fact.get("step"):
            steps[case_id, step] += 1
    for (case_id, step), count in steps.items():
        if count > 1:
            found.say("timers_doubled", f"step {step} of {case_id} came {count} times")


def judge_messages(
    kept: Databases,
    mails: Sequence[Mapping[str, Any]],
    excused: Sequence[tuple[float, float]],
    found: Findings,
) -> None:
    """What is marked sent arrived; what arrived twice was in flight while something died; every alert became a message."""
    arrivals: dict[str, list[float]] = defaultdict(list)
    for mail in mails:
        if mail["kind"] == "mail" and mail["message_id"].endswith(".gemba>"):
            arrivals[mail["message_id"][1:].partition("@")[0]].append(datetime.fromisoformat(mail["at"]).timestamp())
    texts = {mail["message_id"] for mail in mails if mail["kind"] == "sms"}
    known = {row["message_id"]: row for row in kept.messages}
    for message_id, row in known.items():
        if row["state"] == "queued":
            found.say(
                "stuck", f"message {message_id} about {row['about']} was never sent, after {row['attempts']} attempts"
            )
        if row["state"] != "sent":
            continue
        arrived = (row["sent_with"] or message_id) in arrivals if row["channel"] == "email" else message_id in texts
        if not arrived and (row["channel"] == "email" or texts):
            found.say("lost", f"{row['channel']} {message_id} about {row['about']} is marked sent and never arrived")
    for message_id, times in arrivals.items():
        if message_id not in known:
            found.say("duplicated", f"mail {message_id} arrived and is in no delivery log")
        for again, at in enumerate(sorted(times)[1:], start=1):
            windows = sum(begin - 1 <= first <= end for begin, end in excused for first in [sorted(times)[again - 1]])
            found.say("mails_repeated", f"{message_id} again at {at:.3f}" + ("" if windows else " (nothing was dying)"))
    _judge_alerts(kept, found)


def _judge_alerts(kept: Databases, found: Findings) -> None:
    told = {(row["about"], row["step"], row["recipient_id"], row["channel"]) for row in kept.messages}
    for row in kept.outbox["visits"]:
        fact = json.loads(row["body"]) if row["topic"] == "gemba.case" else {}
        for recipient in fact.get("recipient_ids", ()) if fact.get("step") else ():
            for channel in fact.get("channels") or ("email",):
                if (row["aggregate"], fact["step"], recipient, channel) not in told:
                    found.say(
                        "lost", f"nobody told {recipient} of step {fact['step']} of {row['aggregate']} by {channel}"
                    )
