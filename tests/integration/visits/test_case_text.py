"""Case text lives in one sealed column: not in any other column, not in a fact, not in a log line, not in an answer to others."""

import json
from typing import Any

import pytest
import structlog

from shared.crypto import SealBroken
from tests.integration.visits.conftest import World

WORDS = {
    name: f"canary-{name}-7f3a"
    for name in ("suspicion", "report", "note", "confirm", "propose", "return", "approve", "raise")
}


async def whole_life(world: World) -> None:
    """A case through everything that somebody may write."""
    people = world.people
    case_id = await world.raise_case(text=WORDS["suspicion"])
    row = await world.case(case_id)
    body = {"suspicions": [{"finding_id": str(row["finding_id"]), "item": 4, "text": WORDS["report"]}]}
    await world.post(f"/visits/api/visits/{row['visit_id']}/report", body, by=people.trainer, status=201)
    acts: list[tuple[str, Any, Any]] = [
        ("acknowledge", {}, people.officer),
        ("note", {"text": WORDS["note"]}, people.officer),
        ("confirm", {"text": WORDS["confirm"]}, people.officer),
        ("propose-closure", {"outcome": "resolved", "reason": WORDS["propose"]}, people.officer),
        ("return-closure", {"reason": WORDS["return"]}, people.head),
        ("propose-closure", {"outcome": "resolved", "reason": WORDS["propose"]}, people.officer),
        ("approve-closure", {"text": WORDS["approve"]}, people.head),
    ]
    for act, body, by in acts:
        await world.post(f"/visits/api/cases/{case_id}/{act}", body, by=by, status=200)
    raised = {"item": 9, "text": WORDS["raise"], "country": "BD"}
    await world.post("/visits/api/cases", raised, by=people.officer, status=201)
    await world.post("/visits/api/cases", raised | {"item": 6}, by=people.officer, status=422)
    await world.post("/visits/api/cases", raised | {"nonsense": True}, by=people.officer, status=422)


async def dump(world: World) -> str:
    """Every row of every table, as text, bytes too."""
    tables = await world.pool.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
    parts = []
    for table in tables:
        rows = await world.pool.fetch(f'select t::text as line from "{table["tablename"]}" t')
        parts += [row["line"] for row in rows]
    bodies = await world.pool.fetch("select convert_from(body, 'utf8') as body from outbox where body is not null")
    sealed = await world.pool.fetch("select sealed from case_texts")
    return "\n".join([*parts, *(row["body"] for row in bodies), *(repr(bytes(row["sealed"])) for row in sealed)])


async def test_no_word_of_a_case_stands_anywhere_but_sealed(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    with structlog.testing.capture_logs() as lines:
        await whole_life(world)
    everything = await dump(world) + json.dumps(lines, default=str) + "".join(capfd.readouterr())
    assert "canary" not in everything
    for word in WORDS.values():
        assert word.encode().hex() not in everything, "not as bytes either"
    assert await world.pool.fetchval("select count(*) from case_texts") == len(WORDS) + 1


async def test_the_dump_would_find_it(world: World) -> None:
    """The canary test can fail: an ordinary finding's text is found by the same dump."""
    visit_id = await world.visit_under_way()
    body = {"findings": [{"item": 3, "grade": "minor", "text": "canary-in-the-open"}]}
    await world.post(f"/visits/api/visits/{visit_id}/report", body, by=world.people.trainer, status=201)
    assert "canary-in-the-open" in await dump(world)


async def test_a_sealed_text_opens_in_its_own_row_only(world: World) -> None:
    case_id = await world.raise_case()
    other = await world.raise_case(text="Another text.")
    await world.pool.execute(
        "update case_texts set sealed = (select sealed from case_texts where case_id = $2) where case_id = $1",
        case_id,
        other,
    )
    with pytest.raises(SealBroken):
        from services.visits.use_cases.see_case import see_case
        from services.visits.use_cases.see_visit import Asker

        await see_case(case_id, Asker(world.people.officer, frozenset({"officer"}), frozenset({"BD"})), deps=world.deps)


async def test_a_key_reused_for_another_text_is_refused_not_swallowed(world: World) -> None:
    case_id = await world.raise_case()
    path = f"/visits/api/cases/{case_id}/note"
    await world.post(path, {"text": "first"}, by=world.people.officer, key="one-key-for-two", status=200)
    answer = await world.post(path, {"text": "second"}, by=world.people.officer, key="one-key-for-two", status=422)
    assert answer.json()["code"] == "idempotency_key_reused"
