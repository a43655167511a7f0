"""The import page.

Each service takes its own sheets, so the page's script sends the file to each of them: all check it before any
takes it. Without a script the page takes the sheets of directory and says so.
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.directory.http.api_imports import MayImport
from services.directory.http.asking import CurrentDeps, actor_of
from services.directory.use_cases.import_workbook import ImportWorkbook, check_workbook, import_workbook
from services.directory.use_cases.workbook_sheets import OTHERS, SPECS
from shared.crypto import new_token
from shared.errors import Rejected
from shared.web.forms import Form, read_upload
from shared.web.pages import render


def router() -> APIRouter:
    """`/import`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/import")
    async def show_import(request: Request, identity: MayImport) -> Response:
        return _page(request)

    @routes.post("/import")
    async def import_own_sheets(request: Request, identity: MayImport, deps: CurrentDeps) -> Response:
        form = Form()
        try:
            upload, others = await read_upload(request, "workbook")
            key = others.get("idempotency_key") or new_token()
            cmd = ImportWorkbook(actor_of(identity), upload.filename, upload.data, key)
            take = others.get("step") == "take"
            found = await (import_workbook if take else check_workbook)(cmd, deps=deps)
        except Rejected as refused:
            if refused.status not in {400, 413, 422}:
                raise
            rows = [dict(detail) for detail in refused.details]
            if not rows:
                form.refuse(refused)
            return _page(request, status=422, form=form, errors=rows)
        status = 422 if found.errors else 200
        return _page(request, status=status, sheets=found.counts, errors=found.errors, taken=take)

    return routes


def _page(request: Request, *, status: int = 200, **context: object) -> Response:
    shown: dict[str, object] = {
        "form": Form(),
        "sheets": [],
        "errors": [],
        "taken": False,
        "nonce": new_token(),
        "own_sheets": [spec.name for spec in SPECS],
        "other_sheets": list(OTHERS),
    }
    return render(request, "import.html", status=status, **(shown | context))
