"""Topics, users and permissions on Kafka, made as ``shared/kafka/topics.py`` says; repeatable.

Every service is a principal of its own that may write what it owns and read what it needs,
here as in every other mode, so that a service that was taken over cannot forge another's facts.
What somebody granted by hand beyond that is taken away again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from deploy.local.kafka_acls import TopicLike, make_acls
from deploy.local.kafka_answers import ANSWER_SECONDS, answers, refuse, wait_for
from deploy.local.kafka_login import admin_client
from deploy.local.problem import Problem

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

_SCRAM_ITERATIONS = 4096


def provision_kafka(
    bootstrap: str,
    admin_user: str,
    admin_password: str,
    passwords: Mapping[str, str],
    topics: Sequence[TopicLike] | None = None,
    replication_factor: int = -1,
    *,
    exclusive: bool = True,
    tls: bool = False,
) -> None:
    """Make users (``passwords`` by principal), topics and ACLs; return when all is in force.

    ``topics`` is what ``shared/kafka/topics.py`` lists unless given. A replication factor of -1
    is the broker's default. ``exclusive=False`` leaves other permissions of the same principals
    alone: for tests that share a broker and bring topics of their own.
    """
    if topics is None:
        from shared.kafka.topics import TOPICS

        topics = TOPICS
    client = admin_client(bootstrap, admin_user, admin_password, tls=tls)
    _make_users(client, passwords)
    _make_topics(client, topics, replication_factor)
    make_acls(client, topics, tuple(passwords), exclusive=exclusive)
    _await_leaders(client, topics)


def _make_users(client: AdminClient, passwords: Mapping[str, str]) -> None:
    from confluent_kafka.admin import (
        ScramCredentialInfo,
        ScramMechanism,
        UserScramCredentialUpsertion,
    )

    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, _SCRAM_ITERATIONS)
    wanted = [UserScramCredentialUpsertion(user, info, password.encode()) for user, password in passwords.items()]
    asked = client.alter_user_scram_credentials(wanted)  # type: ignore[arg-type]
    refuse("users", answers(asked.values()))


def _make_topics(client: AdminClient, topics: Sequence[TopicLike], replication_factor: int) -> None:
    from confluent_kafka.admin import (
        AlterConfigOpType,
        ConfigEntry,
        ConfigResource,
        NewPartitions,
        NewTopic,
        ResourceType,
    )

    known = client.list_topics(timeout=ANSWER_SECONDS).topics
    new = [
        NewTopic(each.name, each.partitions, replication_factor, config=dict(each.config))
        for each in topics
        if each.name not in known
    ]
    if new:
        asked = client.create_topics(new, operation_timeout=ANSWER_SECONDS)
        errors = answers(asked.values())
        refuse("topics", [each for each in errors if not _exists_already(each)])
    grown = []
    changed = []
    for each in topics:
        if each.name not in known:
            continue
        have = len(known[each.name].partitions)
        if have > each.partitions:
            raise Problem(
                f"Kafka: topic {each.name} has {have} partitions and should have "
                f"{each.partitions}; partitions cannot be taken away",
                remedy="move to a new log (docs/runbooks): services rebuild it from their outboxes",
            )
        if have < each.partitions:
            grown.append(NewPartitions(each.name, each.partitions))
        changed.append(
            ConfigResource(
                ResourceType.TOPIC,
                each.name,
                incremental_configs=[
                    ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                    for name, value in each.config.items()
                ],
            )
        )
    if grown:
        refuse("partitions", answers(client.create_partitions(grown).values()))
    if changed:
        refuse("settings", answers(client.incremental_alter_configs(changed).values()))


def _exists_already(error: BaseException) -> bool:
    """Whether another process that provisions at the same time was faster."""
    from confluent_kafka import KafkaError

    reason = error.args[0] if error.args else None
    return isinstance(reason, KafkaError) and reason.code() == KafkaError.TOPIC_ALREADY_EXISTS


def _await_leaders(client: AdminClient, topics: Sequence[TopicLike]) -> None:
    """The first record to a topic without leaders would fail: wait until all have them."""

    def waiting() -> str:
        known = client.list_topics(timeout=ANSWER_SECONDS).topics
        without = [
            each.name
            for each in topics
            if each.name not in known
            or len(known[each.name].partitions) < each.partitions
            or any(part.leader < 0 for part in known[each.name].partitions.values())
        ]
        return f"no leader for {', '.join(without)}" if without else ""

    wait_for(waiting)
