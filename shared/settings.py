"""What a service is told by its environment (`GEMBA_…`); every service's own settings extend this."""

import os
import socket
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.secret_files import PasswordInFile, SecretFiles, with_secrets

Profile = Literal["production", "local", "demo", "test"]


class EnvironmentSettings(BaseSettings):
    """Settings from `GEMBA_…` variables, or from the files that `GEMBA_…_FILE` names. Raises `UnusableSecret`."""

    model_config = SettingsConfigDict(env_prefix="GEMBA_", extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment with its files."""
        del dotenv_settings, file_secret_settings
        return init_settings, SecretFiles(settings_cls, os.environ), env_settings


class ServiceSettings(EnvironmentSettings):
    """One process of one service. Secrets are `SecretStr`: their repr never shows them."""

    service: str
    replica: str = Field(default_factory=socket.gethostname)
    """What tells replicas apart in logs and in the database's list of sessions; a container's name is its id."""
    installation: str = "gemba"
    profile: Profile = "production"
    clock: str = "real"
    log_level: str = "INFO"

    database_url: SecretStr
    database_password_file: Path | None = None
    pool_size: int = 12

    kafka_bootstrap: str
    kafka_user: str
    kafka_password: SecretStr
    kafka_tls: bool = False

    http_host: str = "127.0.0.1"
    http_port: int
    origin: str
    """The public address of the installation, without a slash at its end."""
    keys_dir: Path

    smtp_url: str = ""
    sms_url: str = ""

    @property
    def database_password(self) -> PasswordInFile | None:
        """Where the password stands in a file; none where the URL holds the only one."""
        path = self.database_password_file
        return PasswordInFile("GEMBA_DATABASE_PASSWORD_FILE", path) if path else None


def database_url_of(service: str) -> str:
    """`GEMBA_DATABASE_URL_<SERVICE>`, or `GEMBA_DATABASE_URL`: for commands that go through several services' databases.

    Raises `RuntimeError` when neither is set.
    """
    told = with_secrets(os.environ)
    url = told.get(f"GEMBA_DATABASE_URL_{service.upper()}") or told.get("GEMBA_DATABASE_URL")
    if not url:
        raise RuntimeError(f"GEMBA_DATABASE_URL is not set: where is the database of {service}?")
    return url
