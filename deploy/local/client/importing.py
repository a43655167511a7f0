"""Workbooks on their way in: each file goes to the services that own one of its sheets.

Everything is checked before anything is taken. A service takes its sheets whole or not at all, and
rows that are as they should be change nothing: so an import that broke off is finished by doing it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deploy.local.client.calls import IMPORTS
from deploy.local.client.failure import NOT_FOUND, ClientFailure
from deploy.local.client.http import Client
from deploy.local.client.progress import Progress

MOST_BYTES: Final = 10_485_760
"""What a service takes; `shared.workbook.archive.MAX_FILE_BYTES`, which a test compares."""


@dataclass(slots=True)
class Share:
    """What one service makes of one file: `state` is checked, taken or not_taken."""

    service: str
    state: str
    sheets: list[dict[str, Any]]


@dataclass(slots=True)
class FileResult:
    """One file and the services that own its sheets."""

    path: Path
    data: bytes = field(repr=False)
    shares: list[Share] = field(default_factory=list)

    def as_document(self) -> dict[str, Any]:
        shares = [{"service": one.service, "state": one.state, "sheets": one.sheets} for one in self.shares]
        return {"file": str(self.path), "services": shares}


def read_files(paths: Sequence[Path]) -> list[FileResult]:
    """The files' bytes. Raises ClientFailure for the first that cannot be read or is too large."""
    found = []
    for path in paths:
        try:
            size = path.stat().st_size
            if size > MOST_BYTES:
                raise ClientFailure(
                    "too_large",
                    f"{path} has {size / 1e6:.1f} MB; a workbook may have {MOST_BYTES / 1e6:.1f} MB",
                    remedy="divide it into several, or leave out pictures and sheets that are not imported",
                )
            found.append(FileResult(path, path.read_bytes()))
        except OSError as error:
            raise ClientFailure(
                "file_unreadable",
                f"{path} cannot be read: {error.strerror}",
                exit_code=NOT_FOUND if isinstance(error, FileNotFoundError) else ClientFailure.exit_code,
                remedy="name a workbook (.xlsx), or a sheet as .csv named like the sheet",
            ) from error
    return found


def check(client: Client, files: Sequence[FileResult], progress: Progress) -> None:
    """Ask every service about every file and note whose sheets are in it. Raises with every fault of all files."""
    faults: list[dict[str, Any]] = []
    further = 0
    for file in files:
        owners = 0
        before = len(faults)
        for service in IMPORTS:
            progress.begin(f"checking {file.path.name} ({service})")
            answer, errors = _ask(client, service, file)
            faults += [fault for fault in _placed(file, errors) if fault not in faults]
            further += int(answer.get("further_errors") or 0)
            sheets = list(answer.get("sheets") or [])
            if sheets:
                owners += 1
                file.shares.append(Share(service, "checked", sheets))
            progress.advance()
        if not owners and len(faults) == before:
            message = "has no sheet that can be imported"
            expected = "a sheet named as in docs/reference/workbooks.md, with rows"
            faults.append(_fault(file, "no_sheet", message, expected))
    if faults:
        number = len(faults) + further
        remedy = "correct them and do the same again"
        if len(files) > 1:
            remedy += "; a file that refers to rows of another one is imported after it, by a command of its own"
        raise ClientFailure(
            "workbook_has_errors",
            f"{number} place{'s' if number != 1 else ''} must be corrected; nothing was taken",
            errors=faults,
            remedy=remedy,
        )


def take(client: Client, files: Sequence[FileResult], progress: Progress) -> None:
    """Have everything taken that was checked. Raises ClientFailure that says how far it came."""
    for file in files:
        for share in file.shares:
            share.state = "not_taken"
    for file in files:
        for share in file.shares:
            progress.begin(f"importing {file.path.name} ({share.service})")
            try:
                answer = client.send(
                    IMPORTS[share.service], params={"dry_run": "false"}, file=(file.path.name, file.data)
                )
            except ClientFailure as failure:
                raise _broke_off(files, file, share, failure) from failure
            share.state = "taken"
            share.sheets = list(answer.get("sheets") or share.sheets)
            progress.advance()


def _ask(client: Client, service: str, file: FileResult) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A dry run. Faults come in an answer, or as a refusal where the file cannot be read at all."""
    try:
        answer = client.send(IMPORTS[service], params={"dry_run": "true"}, file=(file.path.name, file.data))
    except ClientFailure as failure:
        if failure.exit_code != ClientFailure.exit_code or failure.status not in {400, 409, 413, 415, 422}:
            raise
        return {}, failure.errors or [{"code": failure.code, "message": failure.args[0]}]
    return answer, list(answer.get("errors") or [])


def _placed(file: FileResult, errors: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Faults in the one shape that is printed, whatever a service calls the column."""
    return [
        {
            "file": str(file.path),
            "sheet": error.get("sheet"),
            "row": error.get("row") or None,
            "column": error.get("column") or error.get("field") or None,
            "code": error.get("code"),
            "message": error.get("message"),
            "expected": error.get("expected") or None,
        }
        for error in errors
    ]


def _fault(file: FileResult, code: str, message: str, expected: str) -> dict[str, Any]:
    return _placed(file, [{"code": code, "message": message, "expected": expected}])[0]


def _broke_off(files: Sequence[FileResult], at: FileResult, share: Share, failure: ClientFailure) -> ClientFailure:
    done = [
        f"{one.service}'s sheets of {file.path.name}" for file in files for one in file.shares if one.state == "taken"
    ]
    before = f"{' and '.join(done)} were taken, " if done else "nothing was taken: "
    return ClientFailure(
        failure.code,
        f"{before}{share.service}'s sheets of {at.path.name} were not: {failure.args[0]}",
        exit_code=failure.exit_code,
        status=failure.status,
        errors=_placed(at, failure.errors),
        correlation_id=failure.correlation_id,
        remedy="do the same again when that is put right: what was taken stays as it is, and the rest follows",
    )
