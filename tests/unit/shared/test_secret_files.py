"""Secrets as files: read, merged into the database's address, and refused when missing or weak, without being shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.secret_files import UnusableSecret, with_secrets
from shared.serve import in_one_line
from shared.settings import ServiceSettings

STRONG = "correct horse battery staple"


def written(folder: Path, content: str) -> str:
    path = folder / "secret"
    path.write_text(content + "\n", encoding="utf-8")
    return str(path)


def test_a_file_stands_for_the_variable_without_its_ending(tmp_path: Path) -> None:
    read = with_secrets({"GEMBA_KAFKA_PASSWORD_FILE": written(tmp_path, STRONG), "OTHER_FILE": "/none"})
    assert read["GEMBA_KAFKA_PASSWORD"] == STRONG
    assert read["OTHER_FILE"] == "/none"


def test_the_databases_password_goes_into_its_address_whatever_letters_it_has(tmp_path: Path) -> None:
    password = "a/b@c:d?e#f%g & more"
    read = with_secrets(
        {
            "GEMBA_DATABASE_URL": "postgresql://visits_run@postgres:5432/gemba_visits",
            "GEMBA_DATABASE_PASSWORD_FILE": written(tmp_path, password),
        }
    )
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(read["GEMBA_DATABASE_URL"])
    assert (parts.username, unquote(parts.password or ""), parts.hostname, parts.path) == (
        "visits_run",
        password,
        "postgres",
        "/gemba_visits",
    )


def test_settings_of_a_service_take_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = written(tmp_path, STRONG)
    for name, value in {
        "SERVICE": "visits", "DATABASE_URL": "postgresql://v@h/d", "DATABASE_PASSWORD_FILE": secret,
        "KAFKA_BOOTSTRAP": "k:9092", "KAFKA_USER": "visits", "KAFKA_PASSWORD_FILE": secret,
        "HTTP_PORT": "8000", "ORIGIN": "https://localhost", "KEYS_DIR": "/run/secrets", "SMTP_URL_FILE": "",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"GEMBA_{name}", value)
    settings = ServiceSettings()  # type: ignore[call-arg]
    assert settings.kafka_password.get_secret_value() == STRONG
    assert settings.http_port == 8000
    assert STRONG not in repr(settings)
    asked = settings.database_password
    assert asked
    Path(secret).write_text("another password, as long\n", encoding="utf-8")
    assert {asked(), asked()} == {STRONG, "another password, as long"}, "the server may have been told, or not yet"


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), ("", "holds 0 characters"), ("changeme", "holds 8 characters")],
)
def test_a_missing_or_weak_password_is_named_by_its_file_and_not_shown(
    tmp_path: Path, content: str | None, says: str
) -> None:
    path = str(tmp_path / "none") if content is None else written(tmp_path, content)
    with pytest.raises(UnusableSecret, match=says) as refused:
        with_secrets({"GEMBA_DATABASE_PASSWORD_FILE": path})
    message = in_one_line(refused.value)
    assert path in message
    assert "./gemba compose init" in message
    assert "\n" not in message
    assert not content or content not in message


def test_settings_that_lack_something_are_told_in_one_line_by_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMBA_HTTP_PORT", "a secret that was put into the wrong place")
    with pytest.raises(ValueError) as refused:
        ServiceSettings(service="visits")  # type: ignore[call-arg]
    message = in_one_line(refused.value)
    assert "GEMBA_DATABASE_URL: Field required" in message
    assert "GEMBA_HTTP_PORT" in message
    assert "wrong place" not in message
    assert "\n" not in message
