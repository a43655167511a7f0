"""Workbooks: check one, or take it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from services.directory.http.asking import CurrentDeps, actor_of, idempotency_key
from services.directory.use_cases.import_workbook import ImportWorkbook, Outcome, check_workbook, import_workbook
from shared.auth import Identity, require
from shared.web.forms import read_upload

MayImport = Annotated[Identity, Depends(require("coordinator", "administrator"))]


class SheetOut(BaseModel):
    """What one sheet did, or would do."""

    sheet: str
    rows: int
    new: int
    changed: int
    unchanged: int


class ImportOut(BaseModel):
    """With `errors` (only a check answers with some) nothing can be taken."""

    dry_run: bool
    import_id: UUID | None
    sheets: list[SheetOut]
    errors: list[dict[str, Any]]
    further_errors: int = 0


def outcome_of(found: Outcome, *, dry_run: bool) -> ImportOut:
    """As JSON."""
    return ImportOut(
        dry_run=dry_run,
        import_id=found.import_id,
        sheets=[SheetOut(**counts) for counts in found.counts],
        errors=[dict(error) for error in found.errors],
        further_errors=found.further_errors,
    )


def router() -> APIRouter:
    """`POST /api/imports`, with the file in the multipart field `workbook`."""
    routes = APIRouter(prefix="/api", tags=["imports"])

    @routes.post("/imports")
    async def take_workbook(
        request: Request, identity: MayImport, deps: CurrentDeps, dry_run: bool = False
    ) -> ImportOut:
        key = "" if dry_run else await idempotency_key(request)
        upload, _ = await read_upload(request, "workbook")
        cmd = ImportWorkbook(actor_of(identity), upload.filename, upload.data, key)
        found = await (check_workbook if dry_run else import_workbook)(cmd, deps=deps)
        return outcome_of(found, dry_run=dry_run)

    return routes
