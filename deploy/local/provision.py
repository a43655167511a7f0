"""Topics, users and permissions on Kafka, made as ``shared/kafka/topics.py`` says; repeatable.

Every service is a principal of its own that may write what it owns and read what it needs,
here as in every other mode, so that a service that was taken over cannot forge another's facts.
What somebody granted by hand beyond that is taken away again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

from deploy.local.kafka_login import admin_client
from deploy.local.problem import Problem
from deploy.local.topology import OBSERVER, OUTSIDE, SERVICES

if TYPE_CHECKING:
    from confluent_kafka.admin import AclBinding, AclOperation, AdminClient, ResourceType

_SCRAM_ITERATIONS = 4096
_ANSWER_SECONDS = 30.0
_POLL_SECONDS = 0.05
COMMANDS, ANSWERS = "gemba.command", "gemba.cohort"


class TopicLike(Protocol):
    """What provisioning needs to know of a topic."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def config(self) -> dict[str, str]: ...
    @property
    def writers(self) -> tuple[str, ...]: ...
    @property
    def readers(self) -> tuple[str, ...]: ...


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
    _make_acls(client, topics, tuple(passwords), exclusive=exclusive)
    _await_leaders(client, topics)


def _answers(futures: Iterable[Future[object]]) -> list[BaseException]:
    """Wait for all; returns the errors."""
    errors = []
    for each in futures:
        error = each.exception(timeout=_ANSWER_SECONDS)
        if error is not None:
            errors.append(error)
    return errors


def _make_users(client: AdminClient, passwords: Mapping[str, str]) -> None:
    from confluent_kafka.admin import (
        ScramCredentialInfo,
        ScramMechanism,
        UserScramCredentialUpsertion,
    )

    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, _SCRAM_ITERATIONS)
    wanted = [UserScramCredentialUpsertion(user, info, password.encode()) for user, password in passwords.items()]
    answers = client.alter_user_scram_credentials(wanted)  # type: ignore[arg-type]
    _refuse("users", _answers(answers.values()))


def _make_topics(client: AdminClient, topics: Sequence[TopicLike], replication_factor: int) -> None:
    from confluent_kafka.admin import (
        AlterConfigOpType,
        ConfigEntry,
        ConfigResource,
        NewPartitions,
        NewTopic,
        ResourceType,
    )

    known = client.list_topics(timeout=_ANSWER_SECONDS).topics
    new = [
        NewTopic(each.name, each.partitions, replication_factor, config=dict(each.config))
        for each in topics
        if each.name not in known
    ]
    if new:
        answers = client.create_topics(new, operation_timeout=_ANSWER_SECONDS)
        errors = _answers(answers.values())
        _refuse("topics", [each for each in errors if not _exists_already(each)])
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
        _refuse("partitions", _answers(client.create_partitions(grown).values()))
    if changed:
        _refuse("settings", _answers(client.incremental_alter_configs(changed).values()))


def _exists_already(error: BaseException) -> bool:
    """Whether another process that provisions at the same time was faster."""
    from confluent_kafka import KafkaError

    reason = error.args[0] if error.args else None
    return isinstance(reason, KafkaError) and reason.code() == KafkaError.TOPIC_ALREADY_EXISTS


def wanted_acls(topics: Sequence[TopicLike], principals: Sequence[str]) -> list[AclBinding]:
    """Every permission that there should be."""
    from confluent_kafka.admin import AclOperation, ResourceType

    read, write, describe = AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE
    bindings: list[AclBinding] = []

    def allow(
        who: str, what: tuple[AclOperation, ...], kind: ResourceType, name: str, *, prefixed: bool = False
    ) -> None:
        bindings.extend(_allow(who, each, kind, name, prefixed=prefixed) for each in what)

    for topic in topics:
        for writer in topic.writers:
            # A writer reads the end of its own topics, to see whether its database is older.
            allow(writer, (write, read, describe), ResourceType.TOPIC, topic.name)
        for reader in set(topic.readers) - set(topic.writers):
            allow(reader, (read, describe), ResourceType.TOPIC, topic.name)
        if OBSERVER in principals:
            allow(OBSERVER, (read, describe), ResourceType.TOPIC, topic.name)
    if OUTSIDE in principals:
        allow(OUTSIDE, (write, describe), ResourceType.TOPIC, COMMANDS)
        allow(OUTSIDE, (read, describe), ResourceType.TOPIC, ANSWERS)
    for principal in principals:
        own = f"{principal}."
        allow(principal, (read, describe), ResourceType.GROUP, own, prefixed=True)
        if principal in SERVICES:
            allow(principal, (write, describe), ResourceType.TRANSACTIONAL_ID, own, prefixed=True)
    return bindings


def _allow(
    principal: str,
    operation: AclOperation,
    kind: ResourceType,
    name: str,
    *,
    prefixed: bool = False,
) -> AclBinding:
    from confluent_kafka.admin import (
        AclBinding,
        AclPermissionType,
        ResourcePatternType,
    )

    pattern = ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL
    return AclBinding(kind, name, pattern, f"User:{principal}", "*", operation, AclPermissionType.ALLOW)


def _make_acls(
    client: AdminClient,
    topics: Sequence[TopicLike],
    principals: Sequence[str],
    *,
    exclusive: bool,
) -> None:
    from confluent_kafka.admin import AclBindingFilter

    wanted = set(wanted_acls(topics, principals))
    have = existing_acls(client, principals)
    missing = wanted - have
    surplus = have - wanted if exclusive else set()
    if missing:
        _refuse("ACLs", _answers(client.create_acls(list(missing)).values()))
    if surplus:
        filters = [
            AclBindingFilter(
                each.restype,
                each.name,
                each.resource_pattern_type,
                each.principal,
                each.host,
                each.operation,
                each.permission_type,
            )
            for each in surplus
        ]
        _refuse("ACLs", _answers(client.delete_acls(filters).values()))

    # The controller answers before the broker has applied it: after the creation of some
    # eighty partitions that took a second, in which every service would have been refused.
    def not_in_force() -> str:
        found = existing_acls(client, principals)
        there = wanted <= found and not surplus & found
        return "" if there else "the ACLs are not in force"

    _wait_for(not_in_force)


def existing_acls(client: AdminClient, principals: Sequence[str]) -> set[AclBinding]:
    """What our principals are allowed now; other principals' permissions are not ours to judge."""
    from confluent_kafka.admin import (
        AclBindingFilter,
        AclOperation,
        AclPermissionType,
        ResourcePatternType,
        ResourceType,
    )

    anything: Any = None  # what the filter takes for "every", though its type says str
    everything = AclBindingFilter(
        ResourceType.ANY,
        anything,
        ResourcePatternType.ANY,
        anything,
        anything,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    ours = {f"User:{principal}" for principal in principals}
    found = client.describe_acls(everything).result(timeout=_ANSWER_SECONDS)
    return {each for each in found if each.principal in ours}


def _await_leaders(client: AdminClient, topics: Sequence[TopicLike]) -> None:
    """The first record to a topic without leaders would fail: wait until all have them."""

    def waiting() -> str:
        known = client.list_topics(timeout=_ANSWER_SECONDS).topics
        without = [
            each.name
            for each in topics
            if each.name not in known
            or len(known[each.name].partitions) < each.partitions
            or any(part.leader < 0 for part in known[each.name].partitions.values())
        ]
        return f"no leader for {', '.join(without)}" if without else ""

    _wait_for(waiting)


def _wait_for(reason: Callable[[], str]) -> None:
    """Poll until ``reason`` is empty; Problem with the last one when it never is."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while why := reason():
        if time.monotonic() >= deadline:
            raise Problem(
                f"Kafka: {why} after {_ANSWER_SECONDS:.0f} s",
                remedy="see that all brokers run (their logs are in the state folder)",
            )
        time.sleep(_POLL_SECONDS)


def _refuse(what: str, errors: Sequence[BaseException]) -> None:
    if errors:
        raise Problem(
            f"Kafka: could not make {what}: {errors[0]}",
            remedy="the user in GEMBA_KAFKA must be an administrator of the cluster",
        )
