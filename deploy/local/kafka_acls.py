"""Who may read and write what on Kafka: what there should be, what there is, and making it so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from deploy.local.kafka_answers import ANSWER_SECONDS, answers, refuse, wait_for
from deploy.local.topology import OBSERVER, OUTSIDE, SERVICES

if TYPE_CHECKING:
    from confluent_kafka.admin import AclBinding, AclOperation, AdminClient, ResourceType

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


def make_acls(
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
        refuse("ACLs", answers(client.create_acls(list(missing)).values()))
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
        refuse("ACLs", answers(client.delete_acls(filters).values()))

    # The controller answers before the broker has applied it: after the creation of some
    # eighty partitions that took a second, in which every service would have been refused.
    def not_in_force() -> str:
        found = existing_acls(client, principals)
        there = wanted <= found and not surplus & found
        return "" if there else "the ACLs are not in force"

    wait_for(not_in_force)


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
    found = client.describe_acls(everything).result(timeout=ANSWER_SECONDS)
    return {each for each in found if each.principal in ours}
