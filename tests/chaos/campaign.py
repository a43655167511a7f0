"""One campaign from its schedule to its verdict; what it found is kept when it found something."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.demo.observing import NotObserved, Services
from deploy.local.size import Size
from tests.chaos.faults import Faults, Outcome
from tests.chaos.kinds import KINDS, Kind
from tests.chaos.ledger import Ledger
from tests.chaos.load import Load
from tests.chaos.oracle import Findings, judge
from tests.chaos.recovery import RECOVERY_SECONDS
from tests.chaos.repeats import Repeats
from tests.chaos.schedule import Schedule, draw
from tests.chaos.stage import Stage, open_stage

SETTLE_SECONDS = 180.0
COUNTED = ("lost", "duplicated", "inverted", "stuck", "timers_early", "timers_doubled", "timers_late", "mails_repeated")

Say = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for on the command line."""

    seed: int
    faults: int
    facts: int
    kinds: tuple[Kind, ...]
    size: Size
    origin_port: int | None = None
    seconds: float | None = None
    """Of load and faults at most; what was not reached by then is left out, and said."""

    def command(self) -> str:
        """The command line that repeats it."""
        kinds = ",".join(kind.name for kind in self.kinds)
        return (
            f"./gemba chaos --seed {self.seed} --faults {self.faults} --facts {self.facts} --kinds {kinds} "
            f"--brokers {self.size.brokers} --replicas {self.size.replicas}"
        )


@dataclass(slots=True)
class Verdict:
    """What a campaign came to. `evidence` is where everything lies that was kept."""

    plan: Plan
    outcomes: list[Outcome]
    findings: Findings
    facts: int
    mails: int = 0
    seconds: float = 0.0
    repeated_commands: int = 0
    repeated_facts: int = 0
    """Which came again to somebody who had handled them, and had no second effect."""
    compared: bool = False
    """Only a comparison that came to its end says anything: zeros of one that was broken off are no result."""
    evidence: Path | None = None
    breaches: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        counts = {name: self.findings.count(name) for name in COUNTED}
        counts["timers_late"] += sum(outcome.timers_late for outcome in self.outcomes)
        return {
            "seed": self.plan.seed,
            "faults": len(self.outcomes),
            "facts": self.facts,
            "compared": self.compared,
            **(counts if self.compared else dict.fromkeys(counts)),
            "recoveries": [
                {key: value for key, value in asdict(outcome).items() if not key.startswith("mail_")}
                for outcome in self.outcomes
            ],
            "facts_in_outboxes": self.findings.facts_kept,
            "repeats_on_the_log": self.findings.log_repeats,
            "requests_repeated": self.repeated_commands,
            "facts_repeated": self.repeated_facts,
            "mails": self.mails,
            "seconds": round(self.seconds, 1),
            "breaches": self.breaches,
            "command": self.plan.command(),
            "evidence": str(self.evidence) if self.evidence else None,
        }


async def run_campaign(plan: Plan, say: Say) -> Verdict:
    """Raises Problem where nothing could be started; a breach is in the verdict."""
    schedule = draw(plan.seed, plan.facts, plan.faults, plan.kinds)
    folder = Path(tempfile.mkdtemp(prefix="gemba-chaos-"))
    verdict = Verdict(plan, [], Findings(), 0)
    began, is_over = time.monotonic(), False
    try:
        (folder / "installation").mkdir(mode=0o700)
        (folder / "schedule.json").write_text(schedule.as_json(), encoding="utf-8")
        async with open_stage(
            folder / "installation",
            plan.size,
            plan.kinds,
            with_visits=schedule.has_visits,
            origin_port=plan.origin_port,
            report=say,
        ) as stage:
            ledger = Ledger(folder / "ledger.jsonl")
            try:
                await _under_fire(stage, schedule, ledger, verdict, say)
            finally:
                ledger.close()
        is_over = True
        return verdict
    finally:
        verdict.seconds = time.monotonic() - began
        if is_over and not verdict.breaches:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            verdict.evidence = folder
            (folder / "verdict.json").write_text(json.dumps(verdict.as_json(), indent=1), encoding="utf-8")
            say("evidence", str(folder))


async def _under_fire(stage: Stage, schedule: Schedule, ledger: Ledger, verdict: Verdict, say: Say) -> None:
    """Load and faults side by side, then quiet, then the comparison."""
    load = Load(schedule, stage.gemba.origin, stage.tokens, stage.visits, ledger)
    faults, repeats = Faults(stage, ledger), Repeats(stage.http)
    working = asyncio.create_task(load.run())
    failing = asyncio.create_task(_faults(stage, schedule, faults, load, verdict, say, repeats))
    try:
        await asyncio.wait({working, failing}, return_when=asyncio.FIRST_EXCEPTION)
        for task in (working, failing):
            if task.done() and task.exception() is not None:
                verdict.breaches.append(f"{_first(task.exception())}")
    finally:
        faults.undo()
        for task in (working, failing):
            task.cancel()
        await asyncio.gather(working, failing, return_exceptions=True)
    verdict.facts = ledger.acknowledged
    verdict.repeated_commands = sum(len(line.answers) - 1 for line in ledger.lines)
    await repeats.look([stage.gemba.ports[name] for name in stage.gemba.replicas])
    verdict.repeated_facts = repeats.total
    eyes = Services(stage.gemba.status_urls())
    try:
        say("campaign", "waiting until all is quiet")
        await eyes.settle(seconds=SETTLE_SECONDS)
    except NotObserved as busy:
        verdict.findings.say("stuck", str(busy))
    finally:
        await eyes.close()
    await _judge(stage, ledger, verdict, say)
    _judge_politeness(verdict)


def _judge_politeness(verdict: Verdict) -> None:
    """Where services were only asked to stop, nobody had to ask twice and nothing was delivered twice."""
    if {one.kind for one in verdict.outcomes} == {"term-service"}:
        if verdict.repeated_commands:
            verdict.breaches.append(f"{verdict.repeated_commands} requests failed behind the web origin")
        if verdict.repeated_facts:
            verdict.breaches.append(f"{verdict.repeated_facts} facts were delivered twice")


async def _judge(stage: Stage, ledger: Ledger, verdict: Verdict, say: Say) -> None:
    say("campaign", "comparing the ledger with the databases, the log and the mail")
    file = stage.gemba.state.folder / "inbox" / "messages.jsonl"
    mails = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    verdict.mails = len(mails)
    excused = [(one.mail_from, one.mail_until) for one in verdict.outcomes if KINDS[one.kind].repeats_mail]
    found = await judge(stage.gemba, ledger, mails, excused, stage.clock.now())
    for name, sentences in verdict.findings.breaches.items():
        found.breaches[name] += sentences
    verdict.findings = found
    verdict.compared = True
    for name in COUNTED:
        for sentence in found.breaches.get(name, ()):
            if name != "mails_repeated" or "nothing was dying" in sentence:
                verdict.breaches.append(f"{name}: {sentence}")
    for one in verdict.outcomes:
        if one.timers_late:
            verdict.breaches.append(f"timers_late: {one.timers_late} after {one.kind}")
        verdict.breaches += [f"{one.kind} of {one.target}: {what}" for what in one.breaches]
        if one.recovery_seconds is None or one.trouble:
            verdict.breaches.append(
                f"{one.kind} of {one.target}: not well after {RECOVERY_SECONDS:.0f} s: {one.trouble}"
            )


async def _faults(
    stage: Stage, schedule: Schedule, faults: Faults, load: Load, verdict: Verdict, say: Say, repeats: Repeats
) -> None:
    """Each at its place in the load; the load may run on until the place of the next one, no further."""
    ports = [stage.gemba.ports[name] for name in stage.gemba.replicas]
    began = time.monotonic()
    ends = [fault.at for fault in schedule.faults[1:]] + [schedule.facts]
    await load.allow(schedule.faults[0].at if schedule.faults else schedule.facts)
    for fault, end in zip(schedule.faults, ends, strict=True):
        await load.sent(fault.at)
        if verdict.plan.seconds is not None and time.monotonic() - began > verdict.plan.seconds:
            say("campaign", f"its time is over: {len(schedule.faults) - fault.number} faults are left out")
            await load.halt()
            return
        await load.allow(end)
        outcome = await faults.happen(fault)
        verdict.outcomes.append(outcome)
        await repeats.look(ports)
        took = f"{outcome.recovery_seconds} s" if outcome.recovery_seconds is not None else outcome.trouble
        say(f"fault {fault.number + 1}", f"{fault.kind} of {outcome.target} after {fault.at} facts; well again: {took}")
        if outcome.also:
            say(f"fault {fault.number + 1}", outcome.also)


def _first(fault: BaseException | None) -> str:
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return f"{type(fault).__name__}: {fault}"
