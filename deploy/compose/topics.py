"""``python -m deploy.compose.topics``: users, topics and permissions on the log, as ``shared/kafka/topics.py`` lists them."""

from __future__ import annotations

import os

from deploy.compose.job import run_job, secret, until_there
from deploy.local.kafka_login import login_problem
from deploy.local.provision import provision_kafka
from deploy.local.topology import KAFKA_ADMIN, PRINCIPALS
from shared.kafka.topics import TOPICS


def provide() -> str:
    """Make what is missing, take away what is too much; safe to repeat. Raises Problem."""
    bootstrap, password = os.environ["GEMBA_KAFKA_BOOTSTRAP"], secret(f"kafka-{KAFKA_ADMIN}")
    passwords = {principal: secret(f"kafka-{principal}") for principal in PRINCIPALS}
    until_there(
        f"Kafka at {bootstrap}",
        lambda: login_problem(bootstrap, KAFKA_ADMIN, password),
        hopeless=lambda reason: "refused" in reason,
    )
    provision_kafka(bootstrap, KAFKA_ADMIN, password, passwords)
    return f"{len(TOPICS)} topics, {len(PRINCIPALS)} users and their permissions are as they should be"


if __name__ == "__main__":
    run_job(provide)
