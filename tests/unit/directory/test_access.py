"""Which addresses are open, and to whom an identity is made out."""

from __future__ import annotations

import pytest

from services.directory.domain.access import is_open, is_secret_to_the_origin, service_of, sign_in_address


@pytest.mark.parametrize(
    "path",
    [
        "/directory/sign-in", "/directory/sign-in/sent", "/directory/enter", "/directory/sign-out",
        "/directory/api/sign-in", "/visits/static/gemba.css", "/visits/static/vendor/htmx-4.0.1.min.js",
        "/visits/tap", "/visits/tap/accept", "/notifications/feed/abc.ics",
    ],
)  # fmt: skip
def test_what_is_open_to_strangers(path: str) -> None:
    assert is_open(path, has_inbox=False)


@pytest.mark.parametrize(
    "path",
    [
        "/", "/directory/", "/directory/me", "/directory/sign-in-else", "/directory/enterprises", "/directory/api/me",
        "/directory/api/sign-in/x", "/visits/", "/visits/static", "/other/static/x", "/visits/api/static/x",
        "/notifications/feed", "/inbox/", "/inboxes", "//visits/tap", "/visits/%74ap", "/x/../visits/tap",
    ],
)  # fmt: skip
def test_what_is_not(path: str) -> None:
    assert not is_open(path, has_inbox=False)


def test_the_dev_inbox_is_open_where_there_is_one() -> None:
    assert is_open("/inbox/", has_inbox=True)
    assert is_open("/inbox", has_inbox=True)
    assert not is_open("/inboxes", has_inbox=True)


@pytest.mark.parametrize(
    ("path", "service"),
    [("/visits/x", "visits"), ("/scheduler/", "scheduler"), ("/directory", "directory"), ("/", None), ("", None),
     ("/visitsx/", None), ("//visits/", None), ("visits/", None)],
)  # fmt: skip
def test_an_identity_is_for_the_service_in_the_path(path: str, service: str | None) -> None:
    assert service_of(path) == service


def test_the_origins_question_cannot_be_asked_from_outside() -> None:
    assert is_secret_to_the_origin("/directory/forward-auth")
    assert is_secret_to_the_origin("/directory/forward-auth/")


def test_a_stranger_comes_back_to_what_they_wanted() -> None:
    assert sign_in_address("/visits/1?a=b&c") == "/directory/sign-in?next=%2Fvisits%2F1%3Fa%3Db%26c"
    assert sign_in_address("//evil.example") == "/directory/sign-in?next=%2Fdirectory%2F"
