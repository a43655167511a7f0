"""Take a coordinator's workbook: trainers, their certificates and leave, holidays, modules and stages; whole or not at all."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain import sheet_changes as own
from services.scheduler.domain.sheet_changes import Known, SheetChanges
from services.scheduler.domain.sheets import work_out
from services.scheduler.storage import catalogue, copies, routing, trainers, worlds
from services.scheduler.use_cases.workbook_sheets import KNOWN_SHEETS, LOOKED_UP, SPECS
from shared.commands import Idempotency, command
from shared.db import Connection, transaction
from shared.errors import Rejected
from shared.ids import new_id
from shared.workbook import Row, RowError, Workbook, read_workbook

_MOST_ERRORS = 200


@dataclass(frozen=True, slots=True)
class ImportWorkbook:
    """`countries` are the importer's, None for all; an administrator may change what holds for all countries."""

    filename: str
    data: bytes
    countries: frozenset[str] | None
    administrator: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What each sheet does, or would do. With errors nothing is taken."""

    counts: list[dict[str, Any]]
    errors: list[dict[str, object]] = field(default_factory=list)
    further_errors: int = 0
    import_id: UUID | None = None


async def check_workbook(wanted: ImportWorkbook, *, deps: Deps) -> Outcome:
    """What taking the workbook would do; nothing is changed."""
    workbook, looked_up = await _read(wanted)
    async with transaction(deps.pool) as conn:
        changes = await _work_out(conn, workbook, looked_up, wanted)
    return _outcome(workbook, changes)


async def import_workbook(wanted: ImportWorkbook, key: str, scope: str, *, deps: Deps) -> Outcome:
    """Take it in one transaction. Raises `Rejected` with every fault when one row is not right."""
    workbook, looked_up = await _read(wanted)
    digest = hashlib.sha256(wanted.data).hexdigest()
    async with command(deps.pool, Idempotency.of(key, scope, [wanted.filename, digest])) as cmd:
        changes = await _work_out(cmd.conn, workbook, looked_up, wanted)
        found = _outcome(workbook, changes)
        if cmd.repeated:
            return Outcome(found.counts, import_id=cmd.earlier_result)
        if found.errors:
            number = len(found.errors) + found.further_errors
            raise Rejected(
                "workbook_has_errors",
                422,
                f"{number} place(s) in the workbook must be corrected. Nothing was taken.",
                details=found.errors,
            )
        await _write(cmd.conn, changes)
        return Outcome(found.counts, import_id=await cmd.done(new_id()))


async def _read(wanted: ImportWorkbook) -> tuple[Workbook, Workbook]:
    """In a thread: a large sheet takes a second of processor time."""
    workbook = await asyncio.to_thread(
        read_workbook, wanted.data, wanted.filename, SPECS, known_sheets=KNOWN_SHEETS
    )
    looked_up = await asyncio.to_thread(
        read_workbook, wanted.data, wanted.filename, LOOKED_UP, known_sheets=KNOWN_SHEETS
    )
    return workbook, looked_up


async def _work_out(
    conn: Connection, workbook: Workbook, looked_up: Workbook, wanted: ImportWorkbook
) -> SheetChanges:
    rows = {name: [(row.number, row.values) for row in found] for name, found in workbook.sheets.items()}
    broken = {error.sheet for error in workbook.errors}
    known = await _known(conn, workbook.sheets, looked_up.sheets, wanted)
    changes = await asyncio.to_thread(work_out, rows, known)
    if own.MODULES in broken:  # its good rows are not all there are: do not blame the others for it
        changes.faults = [fault for fault in changes.faults if fault.code != "unknown_module"]
    return changes


async def _known(
    conn: Connection, rows: Mapping[str, list[Row]], looked_up: Mapping[str, list[Row]], wanted: ImportWorkbook
) -> Known:
    named = (own.TRAINERS, own.CERTIFICATES, own.LEAVE)
    keys = sorted({row["person"] for sheet in named for row in rows.get(sheet, ())})
    enterprises = sorted({one for row in rows.get(own.TRAINERS, ()) for one in row["conflicts"]})
    countries = sorted({row["country"] for row in rows.get(own.HOLIDAYS, ())})
    return Known(
        people=await trainers.list_people_keys(conn, keys) | _keys_in(looked_up.get("people", ())),
        enterprises=await trainers.list_enterprise_keys(conn, enterprises)
        | _keys_in(looked_up.get("enterprises", ())),
        countries=wanted.countries,
        may_change_catalogue=wanted.administrator,
        trainers={row["person_key"]: tuple(row) for row in await trainers.list_trainers(conn, keys)},
        certificates={tuple(row)[:4]: tuple(row) for row in await trainers.list_certificates(conn, keys)},
        leave={tuple(row)[:2]: tuple(row) for row in await trainers.list_leave(conn, keys)},
        holidays={
            (row["country"], row["day"], row["region"]): tuple(row)
            for row in await trainers.list_holidays(conn, countries)
        },
        modules={row["code"]: tuple(row) for row in await catalogue.list_modules(conn)},
        plans={
            (plan["module"], plan["country"]): stages
            for plan, stages in await catalogue.list_newest_plans(conn)
        },
    )


def _keys_in(rows: Iterable[Row]) -> dict[str, str]:
    return {row["key"]: str(row["country"] or "").upper() for row in rows if row["key"]}


async def _write(conn: Connection, changes: SheetChanges) -> None:
    touched = set(changes.countries)
    if changes.plans or changes.modules:
        touched |= set(await copies.list_countries(conn))
    for country in sorted(touched):
        await worlds.save_world_change(conn, country)
    for code, title, version in changes.modules:
        await catalogue.save_module(conn, str(code), str(title), str(version))
    for (module, country), stages in changes.plans.items():
        await catalogue.insert_delivery_plan(conn, new_id(), module, country, stages)
    await trainers.save_trainers(conn, changes.trainers)
    if changes.trainers:
        for country in sorted(touched):
            await routing.ask_for_what_is_new(conn, country)
    await trainers.save_certificates(conn, changes.certificates)
    await trainers.save_leave(conn, changes.leave)
    await trainers.save_holidays(conn, changes.holidays)


def _outcome(workbook: Workbook, changes: SheetChanges) -> Outcome:
    faults = [
        RowError(one.sheet, one.row, one.column, one.code, one.message, one.expected) for one in changes.faults
    ]
    errors = [error.as_detail() | {"column": error.column} for error in (*workbook.errors, *faults)]
    further = workbook.further_errors + max(0, len(errors) - _MOST_ERRORS)
    return Outcome([asdict(counts) for counts in changes.counts], errors[:_MOST_ERRORS], further)
