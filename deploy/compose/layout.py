"""What a compose installation has on its host: the folder with its secrets, their names, and who may replace which."""

from __future__ import annotations

import os
from pathlib import Path

from deploy.local.state import ROOT
from deploy.local.topology import KAFKA_ADMIN, PRINCIPALS, SERVICES, migration_role, runtime_role

COMPOSE_FILE = ROOT / "docker-compose.yml"
ENVIRONMENT_FILE = ROOT / ".env"
DEFAULT_ORIGIN = "https://localhost:8443"

ROLES = tuple(role for service in SERVICES for role in (migration_role(service), runtime_role(service)))
PASSWORDS = (
    "postgres-superuser",
    *(f"postgres-{role}" for role in ROLES),
    *(f"kafka-{principal}" for principal in (KAFKA_ADMIN, *PRINCIPALS)),
    "inbox",
)


def folder() -> Path:
    """``GEMBA_COMPOSE``, else ``var/compose`` of this installation."""
    named = os.environ.get("GEMBA_COMPOSE")
    return Path(named).expanduser().resolve() if named else ROOT / "var" / "compose"


def secrets_folder() -> Path:
    return folder() / "secrets"
