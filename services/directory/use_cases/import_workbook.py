"""Take a coordinator's workbook: people, enterprises and their closed days, whole or not at all."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.directory.deps import Deps
from services.directory.domain.changes import work_out_changes
from services.directory.domain.people import Actor
from services.directory.domain.sign_in import hash_address
from services.directory.domain.workbook import CLOSED_DAYS, ENTERPRISES, PEOPLE, Changes, Known, Sheets, fold
from services.directory.storage import enterprises, imports, people, sign_in, states
from services.directory.use_cases.workbook_sheets import KNOWN_SHEETS, SPECS
from shared.commands import Idempotency, command
from shared.db import Connection, transaction
from shared.errors import Rejected
from shared.ids import new_id
from shared.workbook import RowError, Workbook, read_workbook

SOURCE = "import"


@dataclass(frozen=True, slots=True)
class ImportWorkbook:
    """`filename` matters for CSV: it names the sheet."""

    actor: Actor
    filename: str
    data: bytes
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What each sheet did, or would do. With errors nothing was taken."""

    counts: list[dict[str, Any]]
    errors: list[dict[str, object]]
    further_errors: int = 0
    import_id: UUID | None = None


async def check_workbook(cmd: ImportWorkbook, *, deps: Deps) -> Outcome:
    """What taking the workbook would do; nothing is changed."""
    workbook = await _read(cmd)
    async with transaction(deps.pool) as conn:
        changes = await _work_out(conn, workbook, cmd.actor)
    return _outcome(workbook, changes)


async def import_workbook(cmd: ImportWorkbook, *, deps: Deps) -> Outcome:
    """Take it in one transaction. Raises `Rejected` with every fault when one row is not right.

    Rows that are as the register has them change nothing and publish nothing, so doing it again is safe.
    """
    workbook = await _read(cmd)
    file_hash = hashlib.sha256(cmd.data).digest()
    asked = Idempotency.of(cmd.idempotency_key, f"{cmd.actor.person_id}:import", [cmd.filename, file_hash.hex()])
    now = deps.clock.now()
    async with command(deps.pool, asked) as open_command:
        conn = open_command.conn
        if open_command.repeated:
            import_id = open_command.earlier_result
            return Outcome(await imports.get_import_counts(conn, import_id), [], 0, import_id)
        await states.claim_register(conn)
        changes = await _work_out(conn, workbook, cmd.actor)
        found = _outcome(workbook, changes)
        if found.errors:
            raise _refusal(found)
        await _write(conn, changes, now=now)
        import_id = await open_command.done(new_id())
        await imports.insert_import(conn, import_id, UUID(cmd.actor.person_id), file_hash, found.counts, now=now)
    return Outcome(found.counts, [], 0, import_id)


async def _read(cmd: ImportWorkbook) -> Workbook:
    """In a thread: a large sheet takes a second of processor time, and deadlines must not wait for it."""
    return await asyncio.to_thread(read_workbook, cmd.data, cmd.filename, SPECS, known_sheets=KNOWN_SHEETS)


async def _work_out(conn: Connection, workbook: Workbook, actor: Actor) -> Changes:
    broken = frozenset(error.sheet for error in workbook.errors)
    people_rows, enterprise_rows, closed_rows = (
        tuple((row.number, row.values) for row in workbook.sheets.get(name, ()))
        for name in (PEOPLE, ENTERPRISES, CLOSED_DAYS)
    )
    sheets = Sheets(people_rows, enterprise_rows, closed_rows, broken)
    known = await _known(conn, [values["key"] for _, values in sheets.people])
    return await asyncio.to_thread(
        work_out_changes, sheets, known, actor, present=workbook.sheets.keys(), new_id=new_id
    )


async def _known(conn: Connection, keys: Sequence[str]) -> Known:
    hashes = {hash_address(key): fold(key) for key in keys}
    erased = await people.list_erased(conn, list(hashes))
    closed = await enterprises.list_closed_days(conn)
    return Known(
        people={fold(person.key_name): person for person in await people.list_all_people(conn)},
        enterprises={fold(known.key_name): known for known in await enterprises.list_all_enterprises(conn)},
        closed=dict(closed),
        erased=frozenset(hashes[hashed] for hashed in erased),
    )


async def _write(conn: Connection, changes: Changes, *, now: datetime) -> None:
    await people.insert_people(conn, changes.new_people, now=now)
    await people.save_people(conn, changes.changed_people, now=now)
    everybody = changes.new_people + changes.changed_people
    readdressed = await people.save_contact_points(conn, everybody, source=SOURCE, now=now)
    await sign_in.delete_links_of(conn, readdressed)
    await enterprises.insert_enterprises(conn, changes.new_enterprises, now=now)
    closed_of = {enterprise_id for enterprise_id, _ in changes.closed}
    touched = {one.enterprise_id for one in changes.new_enterprises + changes.changed_enterprises} | closed_of
    await enterprises.claim_enterprises(conn, sorted(touched))
    await enterprises.save_enterprises(conn, changes.changed_enterprises, now=now)
    await enterprises.save_closed_days(conn, changes.closed)
    await states.emit_people(conn, [person.person_id for person in everybody], now=now)
    await states.emit_enterprises(conn, sorted(touched), now=now)


def _outcome(workbook: Workbook, changes: Changes) -> Outcome:
    faults = [
        RowError(fault.sheet, fault.row, fault.column, fault.code, fault.message, fault.expected)
        for fault in changes.faults
    ]
    errors = [error.as_detail() | {"column": error.column} for error in (*workbook.errors, *faults)]
    limit = 200
    further = workbook.further_errors + max(0, len(errors) - limit)
    return Outcome([asdict(counts) for counts in changes.counts], errors[:limit], further)


def _refusal(found: Outcome) -> Rejected:
    number = len(found.errors) + found.further_errors
    return Rejected(
        "workbook_has_errors",
        422,
        f"{number} place{'s' if number != 1 else ''} in the workbook must be corrected. Nothing was taken.",
        details=found.errors,
    )
