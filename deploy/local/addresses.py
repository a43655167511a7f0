"""Where PostgreSQL and Kafka are: ours, or those that GEMBA_POSTGRES and GEMBA_KAFKA name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from deploy.local.problem import Problem


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """How the cluster's administrator reaches it."""

    bootstrap: str
    user: str
    password: str
    tls: bool = False


def given_postgres() -> str | None:
    """The administrator's DSN from GEMBA_POSTGRES, or None where we run PostgreSQL ourselves."""
    named = os.environ.get("GEMBA_POSTGRES")
    if not named:
        return None
    if urlsplit(named).scheme not in {"postgresql", "postgres"}:
        raise Problem(
            "GEMBA_POSTGRES is not the URL of a PostgreSQL server",
            remedy="it looks like postgresql://user:password@host:5432/postgres",
        )
    return named


def given_kafka() -> KafkaAddress | None:
    """The administrator's address from GEMBA_KAFKA, or None where we run Kafka ourselves."""
    named = os.environ.get("GEMBA_KAFKA")
    if not named:
        return None
    parts = urlsplit(named)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    if parts.scheme not in {"kafka", "kafkas"} or not (hosts and user and password):
        raise Problem(
            "GEMBA_KAFKA is not the address of a Kafka cluster",
            remedy="it looks like kafka://user:password@host:9092,host2:9092 (or kafkas:// with "
            "TLS, which is needed wherever it leaves this machine); SASL/SCRAM-SHA-256 is used",
        )
    return KafkaAddress(hosts, unquote(user), unquote(password), parts.scheme == "kafkas")
