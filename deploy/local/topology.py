"""What there is to run: the services, and the principals that Kafka and PostgreSQL know."""

from __future__ import annotations

SERVICES: tuple[str, ...] = ("directory", "scheduler", "visits", "notifications")

KAFKA_ADMIN = "admin"
OBSERVER = "observer"
"""Reads every topic and writes none: the demo, the tests and operators watch the log with it."""
OUTSIDE = "outside"
"""For systems that are not Gemba's: sends commands, reads the answers."""

PRINCIPALS: tuple[str, ...] = (*SERVICES, OBSERVER, OUTSIDE)


def database_name(service: str) -> str:
    return f"gemba_{service}"


def migration_role(service: str) -> str:
    """Owns the database and everything in it; used by migrations alone."""
    return f"{service}_migrate"


def runtime_role(service: str) -> str:
    """Reads and writes rows, owns nothing, changes no schema; used by the service."""
    return f"{service}_run"
