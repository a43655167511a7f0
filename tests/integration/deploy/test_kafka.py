"""Kafka of the one-machine mode: who may do what, and what a kill or a wipe does to it."""

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

from deploy.local import process
from deploy.local.kafka import KafkaServer, Node
from deploy.local.kafka_acls import existing_acls, wanted_acls
from deploy.local.kafka_login import admin_client, client_settings, cluster_id, login_problem
from deploy.local.provision import provision_kafka
from deploy.local.topology import KAFKA_ADMIN, OBSERVER, OUTSIDE, PRINCIPALS, SERVICES
from shared.kafka.topics import PARTITIONS, TOPICS
from tests.harness.servers import Servers


def send(servers: Servers, user: str, password: str, topic: str) -> KafkaError | None:
    """Send one record as ``user``; the error, or None when the broker has it."""
    outcome: list[KafkaError | None] = []
    producer = Producer(client_settings(servers.kafka_bootstrap, user, password))
    producer.produce(topic, b"{}", b"key", on_delivery=lambda error, _: outcome.append(error))
    assert producer.flush(10) == 0
    return outcome[0]


@pytest.mark.parametrize("service", SERVICES)
def test_service_writes_its_own_topics_and_no_others(
    kafka_server: Servers, kafka_passwords: dict[str, str], service: str
) -> None:
    for topic in TOPICS:
        error = send(kafka_server, service, kafka_passwords[service], topic.name)
        if service in topic.writers:
            assert error is None, f"{service} must be able to write {topic.name}: {error}"
        else:
            assert error is not None, f"{service} must not write {topic.name}"
            assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_topic_that_nobody_listed_is_open_to_nobody(kafka_server: Servers, kafka_passwords: dict[str, str]) -> None:
    client = admin_client(
        kafka_server.kafka_bootstrap, kafka_server.kafka_admin_user, kafka_server.kafka_admin_password
    )
    for answer in client.create_topics([NewTopic("unlisted", 1)]).values():
        answer.result(timeout=20)
    refused = send(kafka_server, "visits", kafka_passwords["visits"], "unlisted")
    assert refused is not None
    assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_outside_sends_commands_and_nothing_else(kafka_server: Servers, kafka_passwords: dict[str, str]) -> None:
    password = kafka_passwords[OUTSIDE]
    assert send(kafka_server, OUTSIDE, password, "gemba.command") is None
    refused = send(kafka_server, OUTSIDE, password, "gemba.case")
    assert refused is not None
    assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def read_error(servers: Servers, user: str, password: str, topic: str, group: str) -> int | None:
    """Join the group to read the topic; the error's code, or None when partitions are given."""
    assigned: list[TopicPartition] = []
    consumer = Consumer({**client_settings(servers.kafka_bootstrap, user, password), "group.id": group})
    consumer.subscribe([topic], on_assign=lambda _, partitions: assigned.extend(partitions))
    deadline = time.monotonic() + 30
    try:
        while not assigned:
            assert time.monotonic() < deadline, "neither joined nor refused"
            message = consumer.poll(0.2)
            error = message.error() if message else None
            if error is not None and not error.retriable():
                return int(error.code())
    finally:
        consumer.close()
    return None


def test_service_reads_what_it_needs_in_its_own_groups_only(
    kafka_server: Servers, kafka_passwords: dict[str, str]
) -> None:
    def reads(user: str, topic: str, group: str) -> int | None:
        return read_error(kafka_server, user, kafka_passwords[user], topic, group)

    assert reads("scheduler", "gemba.visit", "scheduler.general") is None
    foreign_group = reads("scheduler", "gemba.visit", "visits.general")
    assert foreign_group == KafkaError.GROUP_AUTHORIZATION_FAILED
    foreign_topic = reads("directory", "gemba.case", "directory.general")
    assert foreign_topic == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert reads(OBSERVER, "gemba.case", "observer.test") is None


def test_wrong_password_is_refused_and_said_within_seconds(kafka_server: Servers) -> None:
    said = login_problem(kafka_server.kafka_bootstrap, KAFKA_ADMIN, "wrong")
    assert said == "user 'admin' was refused: wrong password, or no such user"


def test_silence_is_said_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        said = login_problem(f"127.0.0.1:{port}", KAFKA_ADMIN, "any", 1.0)
    assert said is not None
    assert "no answer within 1 s" in said


def test_permission_granted_by_hand_is_taken_away_again(broker: "Broker") -> None:
    client = admin_client(broker.bootstrap, KAFKA_ADMIN, broker.password)
    by_hand = [each for each in wanted_acls(TOPICS, PRINCIPALS) if each.principal == "User:visits"]
    by_hand[0].principal = "User:directory"
    for answer in client.create_acls(by_hand[:1]).values():
        answer.result(timeout=10)

    provision_kafka(broker.bootstrap, KAFKA_ADMIN, broker.password, broker.passwords)

    assert existing_acls(client, PRINCIPALS) == set(wanted_acls(TOPICS, PRINCIPALS))


def test_acknowledged_record_survives_kill_9_and_a_wiped_folder_is_another_cluster(
    broker: "Broker",
) -> None:
    servers = Servers("", broker.bootstrap, KAFKA_ADMIN, broker.password)
    assert send(servers, "visits", broker.passwords["visits"], "gemba.visit") is None
    before = cluster_id(broker.bootstrap, KAFKA_ADMIN, broker.password)
    assert broker.server.pid is not None

    os.kill(broker.server.pid, signal.SIGKILL)
    broker.server.stop()
    broker.server.start()

    assert cluster_id(broker.bootstrap, KAFKA_ADMIN, broker.password) == before
    provision_kafka(broker.bootstrap, KAFKA_ADMIN, broker.password, broker.passwords)
    process.wait_until(lambda: records_in(broker, "gemba.visit", expected=1), what="the record", seconds=20)

    broker.server.stop()
    shutil.rmtree(broker.server.data)
    broker.server.start()
    assert cluster_id(broker.bootstrap, KAFKA_ADMIN, broker.password) != before


def records_in(broker: "Broker", topic: str, *, expected: int) -> str | None:
    """Why the topic does not hold that many records, or None when it does."""
    consumer = Consumer({**client_settings(broker.bootstrap, KAFKA_ADMIN, broker.password), "group.id": "test"})
    try:
        found = sum(
            consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=5)[1] for number in range(PARTITIONS)
        )
    except KafkaException as error:  # a broker that has just come back has no leaders yet
        return str(error)
    finally:
        consumer.close()
    return None if found == expected else f"{found} records"


@dataclass
class Broker:
    """A broker of the test's own, to be killed and wiped."""

    server: KafkaServer
    password: str
    passwords: dict[str, str]

    @property
    def bootstrap(self) -> str:
        return self.server.bootstrap


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder: Path = tmp_path_factory.mktemp("broker")
    port = process.free_port()
    server = KafkaServer(folder / "kafka", Node(1, port, process.free_port({port})), "secret")
    passwords = {name: f"{name}-secret" for name in PRINCIPALS}
    made = Broker(server, "secret", passwords)
    try:
        server.start()
        provision_kafka(server.bootstrap, KAFKA_ADMIN, "secret", passwords)
        yield made
    finally:
        made.server.stop()
