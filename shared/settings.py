"""What a service is told by its environment (`GEMBA_…`); every service's own settings extend this."""

from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Profile = Literal["production", "local", "demo", "test"]


class ServiceSettings(BaseSettings):
    """One process of one service. Secrets are `SecretStr`: their repr never shows them."""

    model_config = SettingsConfigDict(env_prefix="GEMBA_", extra="ignore")

    service: str
    replica: str = "1"
    installation: str = "gemba"
    profile: Profile = "production"
    clock: str = "real"
    log_level: str = "INFO"

    database_url: SecretStr
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
