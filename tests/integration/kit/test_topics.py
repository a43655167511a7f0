"""Provisioning makes what `shared/kafka/topics.py` says, and a service may do no more than it needs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from deploy.local.kafka_login import admin_client
from shared.kafka.topics import BY_NAME, PARTITIONS, TOPICS, Topic
from tests.harness.servers import Servers
from tests.integration.kit.parts import access_of

pytestmark = pytest.mark.xdist_group("log")


def administrator(servers: Servers) -> Any:
    return admin_client(servers.kafka_bootstrap, servers.kafka_admin_user, servers.kafka_admin_password)


def test_every_topic_has_its_partitions(kafka_server: Servers, kafka_passwords: dict[str, str]) -> None:
    """A topic that creates itself has one partition: none may."""
    known = administrator(kafka_server).list_topics(timeout=20).topics
    assert {topic.name: len(known[topic.name].partitions) for topic in TOPICS} == {
        topic.name: topic.partitions for topic in TOPICS
    }
    assert BY_NAME["gemba.case"].partitions == PARTITIONS == 6


@pytest.mark.parametrize("name", ["gemba.case", "gemba.person", "gemba.visit.notifications.general.dlq"])
def test_topics_are_configured_as_declared(kafka_server: Servers, kafka_passwords: dict[str, str], name: str) -> None:
    from confluent_kafka.admin import ConfigResource, ResourceType

    resource = ConfigResource(ResourceType.TOPIC, name)
    admin = administrator(kafka_server)  # its answers end with it
    (answer,) = admin.describe_configs([resource]).values()
    found = {setting: entry.value for setting, entry in answer.result(timeout=20).items()}
    for setting, value in BY_NAME[name].config.items():
        assert found[setting] == value


@pytest.mark.parametrize("topic", [topic for topic in TOPICS if not topic.name.endswith(".dlq")], ids=lambda t: t.name)
def test_facts_are_kept_for_ever_and_erased_states_are_not(topic: Topic) -> None:
    if topic.is_state:
        assert topic.config["cleanup.policy"] == "compact"
        assert int(topic.config["max.compaction.lag.ms"]) <= 7 * 24 * 3600 * 1000
    else:
        assert (topic.config["retention.ms"], topic.config["retention.bytes"]) == ("-1", "-1")


async def test_nobody_publishes_what_another_owns(kafka_server: Servers, kafka_passwords: dict[str, str]) -> None:
    access = access_of(kafka_server, kafka_passwords, "notifications")
    producer = access.producer()
    await access.start(producer)
    try:
        with pytest.raises((TopicAuthorizationFailedError, KafkaError)):
            await asyncio.wait_for(producer.send_and_wait("gemba.case", b"forged"), 20)
    finally:
        await producer.stop()
