"""Zero tolerance: raised in a report, alerted in seconds, escalated by silence, closed by two people."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from deploy.local.demo.chapters.cast import COORDINATOR, DEPUTY, HEAD, OFFICER, Cast
from deploy.local.demo.chapters.delivery import report, run_until
from deploy.local.demo.chapters.offers import accept_in_mail, taps
from deploy.local.demo.observing import instant, until
from deploy.local.demo.programme import MAIL_DOMAIN
from deploy.local.demo.world import World

_SEEN = "A girl of perhaps twelve at a sewing machine; she said she works here every day."


async def raise_and_escalate(world: World, cast: Cast) -> None:
    """The officer does not answer; the deputy does, lets it lapse, is asked once more, and confirms."""
    coordinator = await world.actor(COORDINATOR)
    visits = (await coordinator.get("/visits/api/visits", cohort_id=cast.cohort_id, state="confirmed"))["items"]
    visit = min((v for v in visits if v["kind"] == "consultancy"), key=lambda v: v["starts_at"])
    cast.unreported.add(visit["visit_id"])
    await run_until(world, cast, instant(visit["ends_at"]) + timedelta(hours=1))
    cast.finder_id = (await coordinator.get(f"/visits/api/visits/{visit['visit_id']}"))["trainer"]["id"]
    tapped = time.monotonic()
    await report(world, cast, visit, suspicions=[{"item": 4, "text": _SEEN}])
    opened = await world.log.has("CaseOpened")
    cast.case_id = str(opened.data["case_id"])
    await _alert(world, OFFICER, 1)
    seconds = time.monotonic() - tapped
    cast.figures["zero tolerance: report → alert in the officer's mailbox"] = f"{seconds:.2f} s"
    world.tell(cast.trainer_keys[cast.finder_id], "raises a suspicion of child labour in the report", "CaseOpened")
    world.tell("notifications", f"alerts the officer by mail and SMS, {seconds:.1f} s after the tap", "MessageSent")

    await run_until(world, cast, instant(str(opened.data["respond_by"])) + timedelta(seconds=1))
    await world.log.has("CaseEscalated", case_id=cast.case_id, tier=2)
    mail = await _alert(world, DEPUTY, 1)
    world.tell("visits", "the officer does not answer: the deputy is alerted", "CaseEscalated, tier 2")
    deputy = await world.actor(DEPUTY)
    await deputy.tap(taps(mail)[0])
    acknowledged = await world.log.has("CaseAcknowledged", case_id=cast.case_id, owner_id=deputy.person_id)
    world.tell(deputy.name, "acknowledges by one tap; the clock goes on", "CaseAcknowledged")
    await run_until(world, cast, instant(str(acknowledged.data["valid_until"])) + timedelta(seconds=1))
    await world.log.has("CaseAckLapsed", case_id=cast.case_id, owner_id=deputy.person_id)
    await _alert(world, DEPUTY, 2)
    world.tell("visits", "nothing happened: the deputy is asked once more", "CaseAckLapsed")
    await deputy.post(f"/visits/api/cases/{cast.case_id}/acknowledge")
    await deputy.post(f"/visits/api/cases/{cast.case_id}/confirm", {"text": "Papers seen: she is thirteen."})
    await world.log.has("CaseConfirmed", case_id=cast.case_id)
    world.tell(deputy.name, "confirms the case", "CaseConfirmed")
    await deputy.post(f"/visits/api/cases/{cast.case_id}/verification")
    wanted = await world.log.has("VerificationWanted", case_id=cast.case_id)
    cast.verification_visit_id = str(wanted.data["visit_id"])
    scheduled = await world.log.has("VisitScheduled", visit_id=cast.verification_visit_id)
    if scheduled.data["trainer_id"] == cast.finder_id:
        raise AssertionError("the verification visit went to whoever found it")
    await world.settle()
    verifier = cast.trainer_keys[scheduled.data["trainer_id"]]
    world.tell("scheduler", f"plans the verification with somebody else: {verifier}", "VisitScheduled")
    await accept_in_mail(world, cast, cast.verification_visit_id)


async def verify_and_close(world: World, cast: Cast) -> None:
    """The visit is done by somebody independent; one person proposes to close, a second one approves."""
    coordinator = await world.actor(COORDINATOR)
    deputy, head = await world.actor(DEPUTY), await world.actor(HEAD)
    visit = await coordinator.get(f"/visits/api/visits/{cast.verification_visit_id}")
    ends_at = instant(visit["ends_at"]) + timedelta(hours=1)
    while world.clock.now() < ends_at:
        await deputy.post(
            f"/visits/api/cases/{cast.case_id}/note", {"text": "In contact with the family and the school."}
        )
        await run_until(world, cast, min(ends_at, world.clock.now() + timedelta(hours=36)))
    await world.log.has("VisitReported", visit_id=cast.verification_visit_id)
    world.tell("trainers", "the verification visit is done", "VisitReported")
    await deputy.post(
        f"/visits/api/cases/{cast.case_id}/propose-closure",
        {
            "outcome": "resolved",
            "reason": "She is in school; the family has the stipend.",
        },
    )
    await world.log.has("ClosureProposed", case_id=cast.case_id)
    world.tell(deputy.name, "proposes to close it: resolved", "ClosureProposed")
    await head.post(f"/visits/api/cases/{cast.case_id}/approve-closure")
    await world.log.has("CaseClosed", case_id=cast.case_id, outcome="resolved")
    await world.settle()
    case = await deputy.get(f"/visits/api/cases/{cast.case_id}")
    if case["standing"] != "closed":
        raise AssertionError(f"the case is {case['standing']}, not closed")
    await _enterprise_heard_nothing(world)
    world.tell(head.name, "approves as the second person: the case is closed", "CaseClosed")


async def _alert(world: World, key: str, count: int) -> dict[str, Any]:
    """The newest alert in somebody's mailbox, once there are `count`."""
    address = f"{key.lower()}@{MAIL_DOMAIN}"

    async def enough() -> list[dict[str, Any]]:
        alerts = [mail for mail in await world.inbox.messages(address) if mail["kind"] == "mail" and taps(mail)]
        return alerts if len(alerts) >= count else []

    alerts: list[dict[str, Any]] = await until(enough, f"alert {count} in the mailbox of {key}")
    if any(_SEEN[:20] in str(mail) for mail in alerts):
        raise AssertionError("what was seen stands in a mail")
    return alerts[-1]


async def _enterprise_heard_nothing(world: World) -> None:
    for message in await world.inbox.messages():
        for address in message["to"]:
            if ("-mgr@" in address or "-rep@" in address) and "case" in message["subject"].lower():
                raise AssertionError(f"an enterprise's contact was told of a case: {message['subject']}")
