"""``./gemba import``: bring in what a coordinator has in spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.local.cli._options import AsJson, examples

if TYPE_CHECKING:
    from deploy.local.client.failure import ClientFailure
    from deploy.local.client.output import Output

_EPILOG = examples(
    "import programme.xlsx --dry-run",
    "import programme.xlsx",
    "import modules.xlsx peru.xlsx",
    "import leave.csv --json",
)


def register(app: typer.Typer) -> None:
    app.command("import", epilog=_EPILOG)(import_files)


def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Workbooks (.xlsx), or sheets as .csv.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import workbooks: their sheets go to the services that own them.

    All are checked before any is taken; each service takes its sheets whole or not at all. When something
    broke off, doing it again finishes it. Exit code 1 when a row must be corrected: nothing was taken then.
    """
    import sys

    from deploy.local.client import importing
    from deploy.local.client.calls import IMPORTS
    from deploy.local.client.failure import ClientFailure
    from deploy.local.client.progress import progress
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = importing.read_files(files)
        taking = False
        try:
            with progress(len(found) * len(IMPORTS) * (1 if dry_run else 2)) as bar:
                importing.check(gemba.client, found, bar)
                if not dry_run:
                    taking = True
                    importing.take(gemba.client, found, bar)
        except KeyboardInterrupt:
            if taking:
                sys.stderr.write("\ngemba: interrupted; a part may have been taken: doing the same again finishes it\n")
            raise
        except ClientFailure as failure:
            _show_faults(gemba.out, failure, several=len(found) > 1)
            raise
        gemba.out.line("Nothing was changed; this is what importing it would do:" if dry_run else "Imported:")
        _show_counts(gemba.out, [file.as_document() for file in found], several=len(found) > 1)
        if as_json:
            gemba.out.document({"dry_run": dry_run, "files": [file.as_document() for file in found]})


def _show_faults(out: Output, failure: ClientFailure, *, several: bool) -> None:
    """The faults as a table; then they need not stand in the sentence once more."""
    from deploy.local.client.output import Column

    rows = [error for error in failure.errors if "file" in error]
    if out.as_json or not rows:
        return
    columns = [
        *([Column("FILE", "file")] if several else []),
        Column("SHEET", "sheet"),
        Column("ROW", "row"),
        Column("COLUMN", "column"),
        Column("WHAT IS WRONG", "message", wraps=True),
        Column("RIGHT WOULD BE", "expected", wraps=True),
    ]
    out.table(rows, columns)
    failure.errors = []


def _show_counts(out: Output, files: list[dict[str, list[dict[str, object]]]], *, several: bool) -> None:
    from deploy.local.client.output import Column

    rows = [
        {"file": file["file"], "service": share["service"], **sheet}
        for file in files
        for share in file["services"]
        for sheet in share["sheets"]  # type: ignore[attr-defined]
    ]
    columns = [
        *([Column("FILE", "file")] if several else []),
        Column("SHEET", "sheet"),
        Column("SERVICE", "service"),
        *(Column(name.upper(), name) for name in ("rows", "new", "changed", "unchanged")),
    ]
    out.table(rows, columns)
