"""Where a link may lead, and what is made of an address and a link."""

from __future__ import annotations

import pytest

from services.directory.domain.sign_in import HOME, hash_address, safe_next, session_token


@pytest.mark.parametrize(
    "wanted", ["/visits/", "/scheduler/cohorts?country=BD&page=2", "/visits/cases/0192#timeline", "/directory/me"]
)
def test_a_path_of_this_installation_is_kept(wanted: str) -> None:
    assert safe_next(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        None, "", "visits", "https://evil.example/", "//evil.example/", "/\\evil.example", "/\t/evil.example",
        "/visits\r\nSet-Cookie: a=b", "javascript:alert(1)", "/directory/sign-in", "/directory/sign-out",
        "/directory/enter?token=x", "/directory/forward-auth", "/visits/api/visits", "/x/fragments/y", "/" + "a" * 600,
    ],
)  # fmt: skip
def test_anything_else_leads_home(wanted: str | None) -> None:
    assert safe_next(wanted) == HOME


def test_an_address_has_one_spelling() -> None:
    assert hash_address(" Rina@Example.org ") == hash_address("rina@example.org")
    assert hash_address("rina@example.org") != hash_address("rina@example.com")


def test_one_press_on_one_page_is_one_session() -> None:
    assert session_token("link", "nonce-1") == session_token("link", "nonce-1")
    assert len({session_token("link", "nonce-1"), session_token("link", "nonce-2"), session_token("l", "nonce-1")}) == 3
    assert len(session_token("link", "nonce-1")) == 43
