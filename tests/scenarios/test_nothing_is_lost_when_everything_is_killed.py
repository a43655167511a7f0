"""A report that was answered with success is never lost, and has every effect once, whatever dies while it is handed in."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.demo.actors import Actor
from deploy.local.demo.observing import instant, until
from deploy.local.demo.world import World
from tests.harness.raw_log import facts_by_id, read_log
from tests.harness.scenario import SCENARIO, times_run_again
from tests.harness.scenario_acts import (
    confirmed_cohort,
    end_action,
    report_body,
    seen_visit,
    send,
    to_the_end_of,
    trainer_of,
)

pytestmark = SCENARIO

_PATIENCE_SECONDS = 180.0
_VICTIMS: tuple[tuple[str, ...], ...] = (
    ("visits",),
    ("kafka",),
    ("directory", "notifications"),
    ("postgres",),
    ("scheduler", "web", "inbox"),
    (),  # everything at once
)


async def _insist(actor: Actor, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Hand it in again and again with the same key until it is answered with success."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            answer = await send(actor, "POST", path, body, key=key)
        except httpx.TransportError as fault:
            last = repr(fault)
        else:
            if answer.status_code == 201:
                found: dict[str, Any] = answer.json()
                return found
            assert answer.status_code >= 500, f"a passing failure says so: {answer.status_code} {answer.text}"
            last = answer.text
        assert time.monotonic() < deadline, f"not answered with success: {last}"
        await asyncio.sleep(0.05)


async def _kill(world: World, names: Sequence[str]) -> None:
    """kill -9, all in one moment; returns when the supervisor has brought them back and all is quiet."""
    pids = world.installation.supervisor.pids()
    victims = {name: pids[name] for name in names or pids}
    before = {name: times_run_again(name) for name in victims}
    for pid in victims.values():
        os.kill(pid, signal.SIGKILL)
    for name in victims:
        await until(
            lambda name=name: times_run_again(name) > before[name], f"{name} runs again", seconds=_PATIENCE_SECONDS
        )


async def test_acknowledged_reports_survive_kills_of_every_process(world: World) -> None:
    visits = sorted(
        await confirmed_cohort(world, "PE", range(14, 14 + len(_VICTIMS))), key=lambda visit: instant(visit["ends_at"])
    )
    reports: dict[str, dict[str, Any]] = {}
    for visit, victims in zip(visits, _VICTIMS, strict=True):
        await to_the_end_of(world, visit)
        reports[visit["visit_id"]] = await _report_while_killing(world, visit, victims)
        await world.services.settle(seconds=_PATIENCE_SECONDS)

    await _everything_is_there_once(world, reports)
    await _every_message_left_once(world)
    for answer in reports.values():
        await end_action(world, "PE", answer["action_ids"][0])


async def _report_while_killing(world: World, visit: dict[str, Any], victims: Sequence[str]) -> dict[str, Any]:
    """From two devices at once with one key, as a phone with a bad connection and a page left open do."""
    finding = {"item": 3, "grade": "minor", "text": "No guard at the saw."}
    trainer, path = await trainer_of(world, visit), f"/visits/api/visits/{visit['visit_id']}/report"
    body, key = report_body(findings=[finding]), str(uuid4())
    devices = [asyncio.create_task(_insist(trainer, path, body, key)) for _ in range(2)]
    await _kill(world, victims)
    first, second = await asyncio.gather(*devices)
    assert first == second, "both were told of one report"
    return first


async def _everything_is_there_once(world: World, reports: dict[str, dict[str, Any]]) -> None:
    log = await read_log(world.installation)
    counted = facts_by_id(log)
    assert set(counted.values()) == {1}, "no fact twice"
    by_version = Counter((topic, key, version) for topic, key, version, _ in counted)
    assert set(by_version.values()) == {1}, "no version under two ids"
    of_type = Counter(
        (record.header("ce_type"), record.key.decode()) for record in log if record.topic.startswith("gemba.visit")
    )
    for visit_id, answer in reports.items():
        seen = await seen_visit(world, {"visit_id": visit_id, "country": "PE"})
        assert seen["state"] == "reported"
        assert [one["report_id"] for one in seen["reports"]] == [answer["report_id"]]
        assert len(seen["findings"]) == 1
        assert of_type["gemba.VisitReported.v1", visit_id] == 1


async def _every_message_left_once(world: World) -> None:
    """By Message-ID, and by what it was for. A mail in flight at a kill may come twice, with the same Message-ID."""
    await world.advance(hours=14)  # what the night held back
    mail = [one for one in await world.inbox.messages() if one["kind"] == "mail" and ".gemba>" in one["message_id"]]
    arrived = Counter(one["message_id"] for one in mail)
    twice = {message_id for message_id, count in arrived.items() if count > 1}
    assert len(twice) <= 2 * len(_VICTIMS), f"at most what was in flight at a kill came twice: {twice}"
    assert max(arrived.values()) <= 2

    queued = [event.data for event in world.log.events if event.type == "gemba.MessageQueued.v1"]
    opened = Counter((one["about"], one["recipient_id"]) for one in queued if one["template"] == "action_opened")
    assert set(opened.values()) == {1}, "one message for one purpose"
    for one in queued:
        if one["template"] == "action_opened" and one["channel"] == "email":
            assert arrived[f"<{one['message_id']}@gemba.gemba>"] >= 1, "and it arrived"
