"""The three ways in which work can fail, and what each means to HTTP and to a consumer.

| raised       | HTTP                        | consumer                                       |
|--------------|-----------------------------|------------------------------------------------|
| `Rejected`   | 4xx problem+json            | recorded as refused, the fact counts as handled |
| `Transient`  | 503 with Retry-After        | tried again with back-off, then parked         |
| anything else| 500, an alert               | tried again, then quarantined, an alert        |
"""

from collections.abc import Mapping, Sequence


class Rejected(Exception):
    """The request cannot be granted as it stands, and asking again changes nothing.

    `code` is stable for programs; `message` says to a person what was wrong, where, and what would
    be right. `details` lists several faults of one input (rows of a workbook, fields of a form).
    """

    def __init__(
        self,
        code: str,
        status: int,
        message: str,
        *,
        field: str | None = None,
        sheet: str | None = None,
        row: int | None = None,
        details: Sequence[Mapping[str, object]] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message
        self.field = field
        self.sheet = sheet
        self.row = row
        self.details = tuple(details)


def not_found(what: str) -> Rejected:
    """What is not there and what the asker may not see answer with the same words."""
    return Rejected("not_found", 404, f"There is no such {what}, or it is not yours to see.")


class Transient(Exception):
    """A passing fault (a lost connection, a deadlock): the same request may succeed in a moment."""


class Overloaded(Exception):
    """More is asked for than can be answered in time: nothing was begun, and the same request may be sent again."""


class NotKnownYet(Exception):
    """A fact refers to something whose own fact has not arrived: it waits, and is never counted as failed."""
