"""Every refusal as an answer: problem+json (RFC 9457) for programs, a page for people.

One function decides, wherever the exception was raised. No answer ever holds a stack trace,
an SQL text or what the caller sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from shared.errors import NotKnownYet, Overloaded, Rejected, Transient
from shared.logging import get_logger

PROBLEM_JSON: Final = "application/problem+json"
SIGN_IN_PATH: Final = "/directory/sign-in"
RETRY_AFTER_SECONDS: Final = "2"

_log = get_logger(__name__)

_EXPECTED: Final = {
    "missing": "a value",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "bool_parsing": "true or false",
    "uuid_parsing": "an id (UUID)",
    "json_invalid": "valid JSON",
    "string_type": "text",
    "extra_forbidden": "no such field",
    "date_from_datetime_parsing": "a date such as 2026-03-31",
    "date_parsing": "a date such as 2026-03-31",
    "datetime_parsing": "an instant such as 2026-03-31T09:00:00Z",
    "timezone_aware": "an instant with its time zone, such as 2026-03-31T09:00:00Z",
}
_HTTP_CODES: Final = {
    400: ("bad_request", "The request could not be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("too_large", "The request is larger than this address takes."),
    415: ("unsupported_media_type", "This address does not take that kind of content."),
}


def answer(request: Request, raised: Exception) -> Response:
    """Turn what was raised into the answer that this caller understands."""
    problem, headers = _describe(raised)
    correlation_id = request.scope.get("state", {}).get("correlation_id")
    if correlation_id:
        problem["correlation_id"] = correlation_id
    status = int(problem["status"])
    if request.headers.get("HX-Request") == "true":
        return _as_page(request, "problem_fragment.html", problem, status, headers)
    if "text/html" in request.headers.get("accept", ""):
        if status == 401 and request.method == "GET":
            where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{SIGN_IN_PATH}?next={quote(where, safe='')}", 303)
        return _as_page(request, "problem.html", problem, status, headers)
    return JSONResponse(problem, status, headers, PROBLEM_JSON)


async def handle(request: Request, raised: Exception) -> Response:
    """Answer as an exception handler (Starlette calls it)."""
    return answer(request, raised)


def _describe(raised: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    match raised:
        case Rejected():
            return _of_rejected(raised), {}
        case Overloaded():
            detail = "Too much is being asked for at this moment. Nothing was changed; try again."
            return _problem("overloaded", 503, detail), {"Retry-After": "1"}
        case Transient() | NotKnownYet():
            _log.warning("transient fault answered with 503", exc_info=raised)
            detail = "Something this needs is not available just now. Nothing was changed; try again."
            return _problem("try_again", 503, detail), {"Retry-After": RETRY_AFTER_SECONDS}
        case RequestValidationError():
            errors = field_errors(raised.errors())
            detail = f"{len(errors)} field(s) are not as they should be. Nothing was changed."
            return _problem("invalid_input", 422, detail, errors), {}
        case HTTPException():
            code, text = _HTTP_CODES.get(raised.status_code, ("refused", "This was refused."))
            return _problem(code, raised.status_code, text), dict(raised.headers or {})
        case _:
            _log.error("unexpected error answered with 500", exc_info=raised)
            detail = "Something went wrong on our side. It has been recorded; nothing was half-done."
            return _problem("unexpected", 500, detail), {}


def _of_rejected(raised: Rejected) -> dict[str, Any]:
    errors: list[Mapping[str, object]] = list(raised.details)
    if not errors and raised.field is not None:
        errors = [{"field": raised.field, "message": raised.message}]
    problem = _problem(raised.code, raised.status, raised.message, errors)
    for name, value in (("field", raised.field), ("row", raised.row), ("sheet", raised.sheet)):
        if value is not None:
            problem[name] = value
    return problem


def _problem(code: str, status: int, detail: str, errors: Sequence[Mapping[str, object]] = ()) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "type": f"urn:gemba:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors:
        problem["errors"] = [dict(error) for error in errors]
    return problem


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Pydantic's errors as field, message and what would be right; never what was sent."""
    return [
        {
            "field": ".".join(str(part) for part in _without_place(error["loc"])),
            "message": str(error["msg"]).removeprefix("Value error, "),
            "expected": _expected(error),
        }
        for error in errors
    ]


def _without_place(loc: Sequence[object]) -> Sequence[object]:
    """Leave out FastAPI's `body`, `query`, … in front: the caller knows where the field stood."""
    places = {"body", "query", "path", "header", "cookie"}
    return loc[1:] if len(loc) > 1 and loc[0] in places else loc


def _expected(error: Mapping[str, Any]) -> str:
    known = _EXPECTED.get(str(error["type"]))
    if known is not None:
        return known
    context: Mapping[str, Any] = error.get("ctx") or {}
    if "expected" in context:
        return str(context["expected"])
    limits = [
        f"{name.replace('_', ' ')} {context[name]}"
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
        if name in context
    ]
    return ", ".join(limits) or str(error["msg"]).removeprefix("Value error, ")


def _as_page(
    request: Request,
    template: str,
    problem: Mapping[str, Any],
    status: int,
    headers: Mapping[str, str],
) -> Response:
    response: Response = request.app.state.pages.render(request, template, status=status, problem=problem)
    response.headers.update(headers)
    return response
