"""`POST /scheduler/api/imports`: check a workbook, or take the scheduler's sheets of it."""

from typing import Any

from fastapi import APIRouter, Request

from services.scheduler.http.asking import Key, Planner, SchedulerDeps, idempotency
from services.scheduler.use_cases.import_workbook import (
    ImportWorkbook,
    Outcome,
    check_workbook,
    import_workbook,
)
from shared.auth import Identity
from shared.web.forms import read_upload


def router() -> APIRouter:
    """The route, without the service's name in front. The file is in the multipart field `workbook`."""
    routes = APIRouter(prefix="/api", tags=["imports"])

    @routes.post("/imports")
    async def post_import(
        request: Request, who: Planner, deps: SchedulerDeps, dry_run: bool = False, key: Key = None
    ) -> dict[str, Any]:
        command = None if dry_run else idempotency(key, who, "import", "")
        upload, _ = await read_upload(request, "workbook")
        wanted = ImportWorkbook(upload.filename, upload.data, _countries(who), who.has("administrator"))
        if command is None:
            return _answer(await check_workbook(wanted, deps=deps), dry_run=True)
        return _answer(await import_workbook(wanted, command.key, command.scope, deps=deps), dry_run=False)

    return routes


def _countries(who: Identity) -> frozenset[str] | None:
    """An administrator begins countries that nobody has yet."""
    return None if who.has("administrator") else who.countries


def _answer(found: Outcome, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "import_id": str(found.import_id) if found.import_id else None,
        "sheets": found.counts,
        "errors": found.errors,
        "further_errors": found.further_errors,
    }
