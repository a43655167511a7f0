"""Which installation a command speaks to, and as whom.

`GEMBA_URL` and `GEMBA_TOKEN` say it; what they leave open comes from the state folder of the
one-machine mode (the origin's port, and the first administrator's token), or else from the folder
of a stack of containers. `GEMBA_CA` names a certificate to trust besides the system's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy.compose import layout
from deploy.local.administrator import TOKEN_FILE
from deploy.local.client.failure import NOT_ALLOWED, UNREACHABLE, ClientFailure
from deploy.local.state import State, default_state_folder

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Place:
    """An origin and a token; `token_from` and `url_from` say where each was found, for messages."""

    url: str
    url_from: str
    token: str = field(repr=False)
    token_from: str
    authority: Path | None = None

    @property
    def is_loopback(self) -> bool:
        return urlsplit(self.url).hostname in _LOOPBACK


def find_place() -> Place:
    """Raises ClientFailure that says what to set or to start."""
    state = State(Path(default_state_folder()))
    stack = layout.folder()
    if not os.environ.get("GEMBA_URL", "").strip() and not state.config().get("ports") and _origin_of(stack):
        token, token_from = _find_token(stack, own_url=True)
        return Place(_checked(_origin_of(stack)), str(stack), token, token_from, _authority(stack))
    url, url_from = _find_url(state)
    token, token_from = _find_token(state.folder, own_url=url_from != "GEMBA_URL")
    return Place(url, url_from, token, token_from, _authority(None))


def _origin_of(stack: Path) -> str:
    """What `./gemba compose init` wrote down; empty where there is no stack of containers."""
    try:
        return (stack / "origin").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _authority(stack: Path | None) -> Path | None:
    given = os.environ.get("GEMBA_CA", "").strip()
    if given:
        return Path(given)
    made = stack / "ca.pem" if stack else None
    return made if made and made.exists() else None


def _find_url(state: State) -> tuple[str, str]:
    given = os.environ.get("GEMBA_URL", "").strip()
    if given:
        return _checked(given), "GEMBA_URL"
    port = state.config().get("ports", {}).get("origin")
    if port is None:
        raise ClientFailure(
            "no_installation",
            f"there is no installation in {state.folder}",
            exit_code=UNREACHABLE,
            remedy="start one with `./gemba up`, or say where it is: GEMBA_URL=https://gemba.example.org",
        )
    if not state.is_running():
        raise ClientFailure(
            "not_running",
            f"the installation in {state.folder} is not running",
            exit_code=UNREACHABLE,
            remedy="start it with `./gemba up` (or `./gemba demo`) in another terminal",
        )
    return f"http://localhost:{port}", str(state.folder)


def _checked(given: str) -> str:
    parts = urlsplit(given)
    try:
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.path.strip("/") or parts.query or parts.username:
        raise ClientFailure(
            "url_invalid",
            f"GEMBA_URL is {given!r}, which is not the address of an installation",
            remedy="it looks like https://gemba.example.org or http://localhost:8300, with nothing behind it",
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and os.environ.get("GEMBA_PLAIN_HTTP") != "1":
        raise ClientFailure(
            "url_not_safe",
            f"GEMBA_URL is {given!r}: a token sent there could be read on the way",
            remedy="use https://, or GEMBA_PLAIN_HTTP=1 where the network in between is yours alone",
        )
    return given.rstrip("/")


def _find_token(folder: Path, *, own_url: bool) -> tuple[str, str]:
    given = os.environ.get("GEMBA_TOKEN", "").strip()
    if given:
        return _well_formed(given, "GEMBA_TOKEN"), "GEMBA_TOKEN"
    path = folder / TOKEN_FILE
    if not own_url:
        # The token of this machine's installation is nobody else's business.
        raise ClientFailure(
            "no_token",
            "GEMBA_URL is set and GEMBA_TOKEN is not",
            exit_code=NOT_ALLOWED,
            remedy="an administrator makes a token with `./gemba token create YOUR_ADDRESS`; put it in GEMBA_TOKEN",
        )
    try:
        mode = path.stat().st_mode & 0o777
        token = path.read_text("ascii", errors="replace").strip()
    except OSError as error:
        raise ClientFailure(
            "no_token",
            f"there is no token in {path} ({error.strerror})",
            exit_code=NOT_ALLOWED,
            remedy="`./gemba up` writes it at its first start, `./gemba compose administrator ADDRESS` for containers; or put somebody's token in GEMBA_TOKEN",
        ) from error
    if mode & 0o077:
        raise ClientFailure(
            "token_not_private",
            f"{path} can be read by others (mode {mode:o})",
            exit_code=NOT_ALLOWED,
            remedy=f"chmod 600 {path}; and if somebody may have read it, delete it and restart ./gemba up for a new one",
        )
    return _well_formed(token, str(path)), str(path)


def _well_formed(token: str, source: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ClientFailure(
            "token_malformed",
            f"what stands in {source} is no token",
            exit_code=NOT_ALLOWED,
            remedy="a token is one line of letters, digits, - and _, as `./gemba token create` printed it",
        )
    return token
