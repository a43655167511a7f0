"""Signing in by a one-time link: its limits, and the one place a link may lead to.

A link is good for 15 minutes of business time and for one use. What is kept of an address, a
link and a session is a hash.
"""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Final

LINK_LIFETIME: Final = timedelta(minutes=15)
MAILS_PER_WINDOW: Final = 5
WINDOW: Final = timedelta(minutes=15)
GIVE_UP_AFTER: Final = timedelta(days=1)
"""How long a mail is tried when the mail server does not answer."""

HOME: Final = "/directory/"
_LONGEST_NEXT: Final = 500
_NOT_A_GOAL: Final = ("/directory/sign-in", "/directory/enter", "/directory/sign-out", "/directory/forward-auth")


def normal_address(address: str) -> str:
    """One spelling for one mailbox: people type capitals and blanks."""
    return address.strip().casefold()


def hash_address(address: str) -> bytes:
    """What is kept of an address somebody typed: enough to count and to find, nothing to read."""
    return hashlib.sha256(normal_address(address).encode()).digest()


def safe_next(wanted: str | None) -> str:
    """Where to go after signing in: a path of this installation, or home. Never another site's address."""
    if not wanted or len(wanted) > _LONGEST_NEXT or not wanted.startswith("/") or wanted.startswith("//"):
        return HOME
    if any(ord(letter) < 0x21 or ord(letter) == 0x7F or letter == "\\" for letter in wanted):
        return HOME
    path = wanted.split("?", 1)[0].split("#", 1)[0]
    if path.startswith(_NOT_A_GOAL) or "/api/" in path or "/fragments/" in path:
        return HOME
    return wanted


def session_token(link_token: str, nonce: str) -> str:
    """The session that one press of the button on one shown page begins.

    Made from the link and the page's nonce, so that a double click, which the server sees as two
    requests, ends in one session with one cookie; who has the link alone cannot make it.
    """
    digest = hmac.digest(link_token.encode(), b"gemba:session:1:" + nonce.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
