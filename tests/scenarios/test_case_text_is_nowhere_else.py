"""What was seen stands sealed in one column of one database, and nowhere else: no event, mail, log, table or file has it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from deploy.local.demo.observing import instant
from deploy.local.demo.world import World
from deploy.local.topology import SERVICES, database_name
from tests.harness.raw_log import read_log
from tests.harness.scenario import SCENARIO
from tests.harness.scenario_acts import (
    confirmed_cohort,
    end_cohort,
    report,
    report_body,
    send,
    to_the_end_of,
    trainer_of,
)

pytestmark = SCENARIO

_CANARY = f"canary{uuid4().hex}"
_TABLES = """
    select table_schema, table_name from information_schema.tables
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
"""


async def test_a_word_of_a_case_is_found_nowhere_in_clear(world: World) -> None:
    visit, _ = sorted(await confirmed_cohort(world, "BD", [22, 23]), key=lambda one: str(one["ends_at"]))
    await to_the_end_of(world, visit)
    case_id = await _a_whole_case_in_words(world, visit)
    await _words_that_are_refused(world, visit)
    await world.settle()

    deputy = await world.actor("BD-DEPUTY")
    read = json.dumps(await deputy.get(f"/visits/api/cases/{case_id}"))
    for word in ("seen", "noted", "confirmed", "returned", "proposed", "approved"):
        assert f"{_CANARY}-{word}" in read, f"it is kept, and its people can read it: {word}"

    for service in SERVICES:
        assert not _tables_with_it(world, service), f"in a table of {service}"
    for record in await read_log(world.installation):
        assert _CANARY.encode() not in record.everything, f"on {record.topic}"
    for message in await world.inbox.messages():
        assert _CANARY not in json.dumps(message), f"in a message: {message['subject']}"
    found = [path for path in world.installation.state.folder.rglob("*") if path.is_file() and _holds_it(path)]
    assert not found, "in a file: a log, a write-ahead log, a segment"
    await end_cohort(world, visit)


async def _a_whole_case_in_words(world: World, visit: dict[str, Any]) -> str:
    """Every act that takes words, with the canary in all of them; ends closed."""
    officer, deputy, head = [await world.actor(f"BD-{role}") for role in ("OFFICER", "DEPUTY", "HEAD")]
    after = len(world.log.events)
    await report(world, visit, suspicions=[{"item": 9, "text": f"{_CANARY}-seen"}])
    case_id = str((await world.log.has("CaseOpened", after=after)).data["case_id"])
    path = f"/visits/api/cases/{case_id}"
    await officer.post(f"{path}/acknowledge")
    await officer.post(f"{path}/note", {"text": f"{_CANARY}-noted"})
    await officer.post(f"{path}/confirm", {"text": f"{_CANARY}-confirmed"})
    await officer.post(f"{path}/propose-closure", {"outcome": "resolved", "reason": f"{_CANARY}-proposed"})
    await head.post(f"{path}/return-closure", {"reason": f"{_CANARY}-returned"})
    lapses = await world.log.has("ClosureReturned", case_id=case_id)
    await world.advance_to(instant(str(lapses.data["valid_until"])) + timedelta(seconds=1))
    await officer.post(f"{path}/acknowledge")
    await officer.post(f"{path}/propose-closure", {"outcome": "resolved", "reason": f"{_CANARY}-proposed"})
    await deputy.post(f"{path}/approve-closure", {"text": f"{_CANARY}-approved"})
    await world.log.has("CaseClosed", case_id=case_id)
    return case_id


async def _words_that_are_refused(world: World, visit: dict[str, Any]) -> None:
    """A refusal must not repeat what it refuses, to the asker or to the log."""
    trainer, officer = await trainer_of(world, visit), await world.actor("BD-OFFICER")
    seen = {"finding_id": str(uuid4()), "item": 4, "text": f"{_CANARY}-refused", "visit_id": visit["visit_id"]}
    wrong = [
        (trainer, "/visits/api/suspicions", seen | {"item": 3}),
        (trainer, "/visits/api/suspicions", seen | {"item": "four"}),
        (trainer, "/visits/api/suspicions", seen | {"what_else": f"{_CANARY}-misspelt"}),
        (trainer, "/visits/api/suspicions", seen | {"named_person_ids": [str(uuid4())]}),
        (trainer, "/visits/api/suspicions", seen | {"text": [f"{_CANARY}-list"]}),
        (
            trainer,
            f"/visits/api/visits/{visit['visit_id']}/report",
            report_body(suspicions=[{"item": 4, "text": f"{_CANARY}-again"}]),
        ),
        (officer, "/visits/api/cases", {"item": 4, "text": f"{_CANARY}-told", "country": "XX"}),
        (officer, f"/visits/api/cases/{uuid4()}/note", {"text": f"{_CANARY}-lost"}),
    ]
    for actor, path, body in wrong:
        answer = await send(actor, "POST", path, body)
        assert 400 <= answer.status_code < 500, (path, answer.status_code)
        assert _CANARY not in answer.text, path


def _tables_with_it(world: World, service: str) -> list[str]:
    address = world.installation.postgres_dsn.rpartition("/")[0] + f"/{database_name(service)}"
    found = []
    with psycopg.connect(address) as connection:
        for schema, table in connection.execute(_TABLES).fetchall():
            # A row as text shows bytes in hex, so bytes that hold it in clear are looked for as hex.
            search = sql.SQL("select count(*) from {} as t where t::text like %s or t::text like %s").format(
                sql.Identifier(schema, table)
            )
            patterns = [f"%{_CANARY}%", f"%{_CANARY.encode().hex()}%"]
            counted = connection.execute(search, patterns).fetchone()
            assert counted is not None
            if counted[0]:
                found.append(f"{schema}.{table}")
    return found


def _holds_it(path: Path) -> bool:
    try:
        return _CANARY.encode() in path.read_bytes()
    except FileNotFoundError:  # a segment or a write-ahead log that was removed meanwhile
        return False
