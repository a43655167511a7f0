"""A workbook is taken whole or not at all; what is wrong is named with sheet, row and column; taking it again changes nothing."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import uuid4

import httpx
from openpyxl import Workbook

from deploy.local.demo.world import World
from tests.harness.raw_log import facts_by_id, read_log
from tests.harness.scenario import SCENARIO

pytestmark = SCENARIO

_OWNERS = ("directory", "scheduler")
_PEOPLE = ("key", "name", "country", "roles", "countries", "language", "zone", "languages", "email", "phone")
_LEAVE = ("person", "first", "last")


def _person(key: str, **changes: Any) -> tuple[Any, ...]:
    values = {
        "key": key,
        "name": f"Person {key}",
        "country": "PE",
        "roles": "trainer",
        "countries": "PE",
        "language": "es",
        "zone": "America/Lima",
        "languages": "es",
        "email": f"{key.lower()}@programme.example",
        "phone": "",
    } | changes
    return tuple(values[name] for name in _PEOPLE)


def _book(**sheets: Sequence[Sequence[Any]]) -> bytes:
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def _send(
    world: World, owner: str, data: bytes, *, name: str = "book.xlsx", dry_run: bool = False
) -> httpx.Response:
    return await world.administrator._http.post(
        f"/{owner}/api/imports?dry_run={str(dry_run).lower()}",
        files={"workbook": (name, data)},
        headers={"Idempotency-Key": str(uuid4())},
    )


async def _everything(world: World) -> Any:
    """All that an import could change: what is on the log, and who is known."""
    await world.settle()
    people = await world.administrator.get("/directory/api/people", q="Person IMP")
    states = [record.everything for record in await read_log(world.installation)]
    return facts_by_id(await read_log(world.installation)), people, sorted(states)


async def test_one_wrong_row_among_good_ones_takes_nothing(world: World) -> None:
    good = [_person("IMP-1"), _person("IMP-2")]
    bad = _book(
        people=[_PEOPLE, good[0], _person("IMP-2", zone="Mars/Base")],
        leave=[_LEAVE, ("PE-T01", date(2026, 12, 1), date(2026, 12, 2)), ("PE-T01", "31.02.2026", date(2026, 12, 9))],
    )
    before = await _everything(world)
    for owner, sheet, column in (("directory", "people", "zone"), ("scheduler", "leave", "first")):
        checked, refused = await _send(world, owner, bad, dry_run=True), await _send(world, owner, bad)
        assert (checked.status_code, refused.status_code) == (200, 422)
        for errors in (checked.json()["errors"], refused.json()["errors"]):
            where = [(one["sheet"], one["row"], one["column"]) for one in errors]
            assert where == [(sheet, 3, column)]
            assert errors[0]["message"]
            assert errors[0]["expected"], "it says what would be right"
    assert await _everything(world) == before

    right = _book(people=[_PEOPLE, *good], leave=[_LEAVE, ("IMP-1", date(2026, 12, 1), date(2026, 12, 2))])
    for owner in _OWNERS:
        taken = await _send(world, owner, right)
        assert taken.status_code == 200, taken.text
    await world.settle()
    found = await world.administrator.get("/directory/api/people", q="Person IMP")
    assert sorted(one["key"] for one in found["items"]) == ["IMP-1", "IMP-2"]

    before = await _everything(world)
    for owner in _OWNERS:
        again = await _send(world, owner, right)
        assert {(one["new"], one["changed"]) for one in again.json()["sheets"]} == {(0, 0)}
    assert await _everything(world) == before, "taken again, it changes nothing"


async def test_every_kind_of_bad_file_is_refused_by_name_and_changes_nothing(world: World) -> None:
    swollen = io.BytesIO()
    with zipfile.ZipFile(swollen, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", b"\0" * 80_000_000)
    many = [(f"PE-T{number:05d}", date(2026, 12, 1), date(2026, 12, 2)) for number in range(10_001)]
    without_name = tuple(name for name in _PEOPLE if name != "name")
    wrong: dict[str, tuple[bytes, str]] = {
        "a sheet that nobody knows": (_book(poeple=[_PEOPLE, _person("IMP-9")]), "unknown_sheet"),
        "a missing column": (_book(people=[without_name]), "missing_column"),
        "a key twice": (_book(people=[_PEOPLE, _person("IMP-9"), _person("IMP-9")]), "duplicate_key"),
        "a formula": (_book(people=[_PEOPLE, _person("IMP-9", name="=1+1")]), "formula"),
        "a zip bomb": (swollen.getvalue(), ""),
        "no workbook": (b"\x89PNG\r\n\x1a\n" + bytes(200), ""),
        "nothing": (b"", ""),
    }
    before = await _everything(world)
    for what, (data, code) in wrong.items():
        refused = await _send(world, "directory", data)
        assert refused.status_code in {413, 415, 422}, f"{what}: {refused.status_code} {refused.text[:300]}"
        problem = refused.json()
        assert problem["detail"], what
        if code:
            assert code in {one["code"] for one in problem["errors"]}, (what, problem)
    for what, data, code in (
        ("an impossible date", _book(leave=[_LEAVE, ("PE-T01", "30 February", date(2026, 3, 1))]), ""),
        ("an end before its start", _book(leave=[_LEAVE, ("PE-T01", date(2026, 3, 2), date(2026, 3, 1))]), ""),
        ("too many rows", _book(leave=[_LEAVE, *many]), "too_many_rows"),
        ("somebody unknown", _book(leave=[_LEAVE, ("NOBODY", date(2026, 3, 1), date(2026, 3, 2))]), ""),
    ):
        refused = await _send(world, "scheduler", data)
        assert refused.status_code == 422, f"{what}: {refused.status_code} {refused.text[:300]}"
        errors = refused.json()["errors"]
        assert all(one["sheet"] == "leave" and one["expected"] for one in errors), what
        assert not code or code in {one["code"] for one in errors}, what
    too_large = await _send(world, "directory", bytes(11 * 1024 * 1024))
    assert too_large.status_code == 413
    assert await _everything(world) == before
