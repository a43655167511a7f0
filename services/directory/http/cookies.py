"""The session cookie: set, read, taken away.

`__Host-` means: this host alone, every path, over TLS. Chromium and Firefox also take it over plain http on the
loopback address (seen with Chromium 156 on 127.0.0.1 and localhost). For browsers and HTTP clients that do
not, a plain one goes beside it there, and only there.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from services.directory.settings import Settings

SECURE_NAME: Final = "__Host-gemba"
LOOPBACK_NAME: Final = "gemba"
_SECONDS: Final = 7 * 24 * 3600


def session_cookies(request: Request, settings: Settings) -> list[str]:
    """The session tokens that a request brought, without repetition, the stronger cookie first."""
    names = (SECURE_NAME,) if settings.over_https else (SECURE_NAME, LOOPBACK_NAME)
    return list(dict.fromkeys(request.cookies[name] for name in names if request.cookies.get(name)))


def set_session(response: Response, token: str, settings: Settings) -> None:
    """Lax, so that a link in a mail arrives signed in; requests that change something are checked for their origin."""
    response.set_cookie(SECURE_NAME, token, max_age=_SECONDS, path="/", secure=True, httponly=True, samesite="lax")
    if not settings.over_https:
        response.set_cookie(LOOPBACK_NAME, token, max_age=_SECONDS, path="/", httponly=True, samesite="lax")


def clear_session(response: Response, settings: Settings) -> None:
    """The browser forgets; the session itself is ended in the database."""
    response.delete_cookie(SECURE_NAME, path="/", secure=True, httponly=True, samesite="lax")
    if not settings.over_https:
        response.delete_cookie(LOOPBACK_NAME, path="/", httponly=True, samesite="lax")
