"""Log in to a Kafka cluster as an administrator would, with a limit on the time it may take.

Clients retry a wrong password for ever with only a log line, so whoever asks here gets an
answer: the cluster, or a sentence saying why not.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from deploy.local.problem import Problem

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

LOGIN_SECONDS = 5.0
_silent = logging.getLogger("gemba.local.kafka")


def client_settings(bootstrap: str, user: str, password: str, *, tls: bool = False) -> dict[str, Any]:
    """Settings for confluent-kafka clients: SCRAM, without TLS only on the loopback."""
    return {
        "bootstrap.servers": bootstrap,
        "security.protocol": "SASL_SSL" if tls else "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": user,
        "sasl.password": password,
        "socket.timeout.ms": 10_000,
        "broker.address.family": "v4",
        "log_level": 0,
    }


def admin_client(bootstrap: str, user: str, password: str, *, tls: bool = False) -> AdminClient:
    """A client that is logged in; Problem where it cannot."""
    from confluent_kafka.admin import AdminClient

    reason = login_problem(bootstrap, user, password, tls=tls)
    if reason is not None:
        raise Problem(
            f"Kafka at {bootstrap}: {reason}",
            remedy="start it, or correct address, user and password in GEMBA_KAFKA",
        )
    return AdminClient(client_settings(bootstrap, user, password, tls=tls))


def login_problem(
    bootstrap: str,
    user: str,
    password: str,
    seconds: float = LOGIN_SECONDS,
    *,
    tls: bool = False,
) -> str | None:
    """Why this user cannot log in there, or None when it can."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient

    seen: list[KafkaError] = []
    settings = client_settings(bootstrap, user, password, tls=tls)
    settings["error_cb"] = seen.append
    client = AdminClient(settings, logger=_silent)
    waited = 0.0
    while waited < seconds:
        try:
            client.list_topics(timeout=min(0.5, seconds))
        except KafkaException as error:
            waited += 0.5
            client.poll(0)
            refused = [each for each in seen if each.code() == KafkaError._AUTHENTICATION]  # noqa: SLF001
            if refused:
                return f"user {user!r} was refused: wrong password, or no such user"
            last = str(error.args[0].str()) if error.args else str(error)
        else:
            return None
    return f"no answer within {seconds:.0f} s ({last})"


def cluster_id(bootstrap: str, user: str, password: str, *, tls: bool = False) -> str:
    """The id of the cluster that answers there; a new one means that the log was lost."""
    client = admin_client(bootstrap, user, password, tls=tls)
    found = client.list_topics(timeout=LOGIN_SECONDS).cluster_id
    if not found:
        raise Problem(f"Kafka at {bootstrap} does not say its cluster id")
    return str(found)
