"""Which addresses are open without a sign-in, and which service an address belongs to.

An open address gets no identity, so a service behind it treats the caller as a stranger: a path
that slips through here opens nothing.
"""

from typing import Final
from urllib.parse import quote

from services.directory.domain.sign_in import safe_next

SERVICES: Final = ("directory", "scheduler", "visits", "notifications")
SIGN_IN: Final = "/directory/sign-in"
_OPEN: Final = ("/directory/sign-in", "/directory/sign-out", "/directory/enter", "/directory/api/sign-in")
_OPEN_BEGINNINGS: Final = ("/visits/tap", "/notifications/feed/", "/directory/sign-in/")
_INBOX: Final = "/inbox"


def service_of(path: str) -> str | None:
    """The service whose name is the first part of the path; None when no service has it."""
    first = path.split("/", 2)[1] if path.startswith("/") and len(path) > 1 else ""
    return first if first in SERVICES else None


def is_open(path: str, *, has_inbox: bool) -> bool:
    """Whether `path` (without query, as sent) needs no sign-in."""
    if path in _OPEN or path.startswith(_OPEN_BEGINNINGS):
        return True
    parts = path.split("/")
    if len(parts) > 3 and parts[1] in SERVICES and parts[2] == "static":
        return True
    return has_inbox and (path == _INBOX or path.startswith(_INBOX + "/"))


def is_secret_to_the_origin(path: str) -> bool:
    """The origin's own question: asked from outside it would hand the caller a signed identity."""
    return path.rstrip("/") == "/directory/forward-auth"


def sign_in_address(wanted: str) -> str:
    """Where a stranger is sent who wanted to see `wanted`."""
    goal = safe_next(wanted)
    return f"{SIGN_IN}?next={quote(goal, safe='')}"
