"""What the story needs of the installation that it is played on, whether it was started here or stands elsewhere."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from deploy.local.addresses import KafkaAddress

Trust = ssl.SSLContext | bool
"""Which certificate the origin may show: the system's authorities (True), or those of a context."""


class Stage(Protocol):
    """An installation whose clock may be steered."""

    @property
    def origin(self) -> str:
        """Where people reach it, without a slash at its end."""

    @property
    def trust(self) -> Trust:
        """What its certificate is checked by."""

    @property
    def kafka(self) -> KafkaAddress:
        """Where its log is."""

    @property
    def inbox_url(self) -> str | None:
        """Where its mail and SMS are caught."""

    @property
    def work_folder(self) -> Path:
        """Where the story may write its workbooks."""

    @property
    def where_logs_are(self) -> str:
        """For a message that says where to look further."""

    def kafka_password(self, principal: str) -> str:
        """Of the one who watches the log."""

    def status_urls(self) -> Mapping[str, str]:
        """`/status` of every replica of every service, as they are now."""

    def memory(self) -> Mapping[str, int]:
        """Resident bytes by program; empty where it cannot be seen from here."""
