"""Secrets as files: `GEMBA_KAFKA_PASSWORD_FILE=/run/secrets/kafka` stands for `GEMBA_KAFKA_PASSWORD` itself.

What stands in the environment is shown by `docker inspect`, by crash reports and to every child process; what stands
in a file is not. `GEMBA_DATABASE_PASSWORD(_FILE)` is put into `GEMBA_DATABASE_URL`, which then needs none.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

PREFIX = "GEMBA_"
_SUFFIX = "_FILE"
_FEWEST = 16
_PASSWORD = "GEMBA_DATABASE_PASSWORD"  # noqa: S105 (a variable's name)
_URLS = ("GEMBA_DATABASE_URL", "GEMBA_DATABASE_ADMIN_URL")


class UnusableSecret(ValueError):
    """A secret that is missing or weak. The message names variable and file, and never what stands in it."""


def with_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with every `GEMBA_…_FILE` read. Raises `UnusableSecret`."""
    read = dict(environment)
    for name, path in environment.items():
        if name.startswith(PREFIX) and name.endswith(_SUFFIX) and path and name != "GEMBA_INBOX_FILE":
            reading = read_password if name.endswith("_PASSWORD_FILE") else _read
            read[name.removesuffix(_SUFFIX)] = reading(name, Path(path))
    password = read.get(_PASSWORD)
    if password:
        for name in _URLS:
            if name in read:
                read[name] = _with_password(read[name], password)
    return read


def read_password(name: str, path: Path) -> str:
    """A password of at least 16 characters; `name` is what the message calls it. Raises `UnusableSecret`."""
    content = _read(name, path)
    if len(content) < _FEWEST:
        raise UnusableSecret(
            f"{name} is {path}, which holds {len(content)} characters; a password of at least {_FEWEST} is needed: "
            "delete the file and run `./gemba compose init`"
        )
    return content


class PasswordInFile:
    """The password of a file that may be rewritten while the process runs; asked for each time it is needed.

    While it is being replaced nobody knows whether the server was told already. So the one that stood there when the
    process began and the one that stands there now are given in turn: whoever is refused asks again.
    """

    def __init__(self, name: str, path: Path) -> None:
        """Raises `UnusableSecret`, as each call does."""
        self._name, self._path = name, path
        self._first = read_password(name, path)
        self._is_first_next = False

    def __call__(self) -> str:
        """The newest one, then the first one, and so on."""
        password = self._first if self._is_first_next else read_password(self._name, self._path)
        self._is_first_next = not self._is_first_next
        return password


def _read(name: str, path: Path) -> str:
    try:
        content = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        reason = getattr(wrong, "strerror", None) or "it is not text"
        raise UnusableSecret(
            f"{name} is {path}, which cannot be read ({reason}); `./gemba compose init` makes what is missing"
        ) from wrong
    return content


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    login, at, address = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    if not at or not user:
        raise UnusableSecret(
            f"the database's URL names no user: {parts.hostname}; it looks like postgresql://user@host/name"
        )
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{address}"))


class SecretFiles(PydanticBaseSettingsSource):
    """A source of settings beside the environment: the same variables, read from the files that are named."""

    def __init__(self, settings: type[BaseSettings], environment: Mapping[str, str]) -> None:
        super().__init__(settings)
        self._read = with_secrets(environment)

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        del field
        return self._read.get(f"{PREFIX}{field_name.upper()}"), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}
