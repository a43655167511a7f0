"""Why a client command could not do what it was asked: a sentence for people, a document and an exit code for programs.

The exit codes are a promise to scripts; `docs/reference/exit-codes.md` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from deploy.local.problem import Problem

REFUSED: Final = 1
NOT_FOUND: Final = 3
NOT_ALLOWED: Final = 4
UNREACHABLE: Final = 5

_OF_STATUS: Final = {
    401: NOT_ALLOWED,
    403: NOT_ALLOWED,
    404: NOT_FOUND,
    502: UNREACHABLE,
    503: UNREACHABLE,
    504: UNREACHABLE,
}


class ClientFailure(Problem):
    """`code` is stable for programs; `errors` lists single faults as the API gave them (field, row, message …)."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        exit_code: int = REFUSED,
        remedy: str = "",
        status: int | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code
        self.exit_code = exit_code
        self.status = status
        self.errors = [dict(error) for error in errors]
        self.correlation_id = correlation_id

    def __str__(self) -> str:
        said = super().__str__()
        # A refusal may open with its first fault: that need not stand there twice.
        said = "this must be put right:" if _opens_with(said, self.errors) else said
        lines = [said, *(f"  {sentence_of(error)}" for error in self.errors[:20])]
        if len(self.errors) > 20:
            lines.append(f"  … and {len(self.errors) - 20} more")
        if self.status == 500 and self.correlation_id:
            lines.append(f"  It is in the services' logs under {self.correlation_id}.")
        return "\n".join(lines)


def _opens_with(said: str, errors: Sequence[Mapping[str, Any]]) -> bool:
    return bool(errors) and bool(errors[0].get("message")) and said.startswith(str(errors[0]["message"]))


def failure_of(status: int, problem: Mapping[str, Any]) -> ClientFailure:
    """What a problem+json answer means to a command."""
    detail = str(problem.get("detail") or problem.get("title") or f"It was answered with {status}.")
    errors = [error for error in problem.get("errors") or [] if isinstance(error, Mapping)]
    if len(errors) == 1 and errors[0].get("message") == detail and not errors[0].get("expected"):
        errors = []
    return ClientFailure(
        str(problem.get("code") or "refused"),
        detail,
        exit_code=_OF_STATUS.get(status, REFUSED),
        status=status,
        errors=errors,
        correlation_id=problem.get("correlation_id"),
    )


def document_of(problem: Problem) -> dict[str, Any]:
    """What `--json` prints instead of a result; the keys are always the same."""
    failed = problem if isinstance(problem, ClientFailure) else None
    return {
        "error": {
            "code": failed.code if failed else "problem",
            "message": problem.args[0] if problem.args else str(problem),
            "remedy": problem.remedy,
            "exit_code": problem.exit_code,
            "status": failed.status if failed else None,
            "errors": failed.errors if failed else [],
            "correlation_id": failed.correlation_id if failed else None,
        }
    }


def sentence_of(error: Mapping[str, Any]) -> str:
    """One fault in one line: where, what, and what would be right."""
    where = ", ".join(
        f"{name} {error[key]}" if name else str(error[key])
        for name, key in (("sheet", "sheet"), ("row", "row"), ("", "field"))
        if error.get(key)
    )
    sentence = str(error.get("message") or error.get("code") or "is not right")
    expected = f" Right would be: {error['expected']}." if error.get("expected") else ""
    return f"{where}: {sentence}{expected}" if where else sentence + expected
