"""What ``doctor`` asks the parts of an installation that runs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from deploy.local.addresses import KafkaAddress, given_kafka, given_postgres
from deploy.local.doctor import Check, Finding
from deploy.local.kafka_acls import existing_acls, wanted_acls
from deploy.local.kafka_login import LOGIN_SECONDS, admin_client, login_problem
from deploy.local.process import memory_of
from deploy.local.program import http_problem
from deploy.local.state import State
from deploy.local.topology import KAFKA_ADMIN, PRINCIPALS, SERVICES

_MUST_BE_ON = ("fsync", "synchronous_commit", "full_page_writes")
_MANY_RESTARTS = 3


def check_processes(state: State) -> Iterator[Finding]:
    for name, found in json.loads(state.processes_file.read_text("ascii")).items():
        memory = memory_of(found["pid"])
        if memory is None:
            remedy = f"the supervisor restarts it; why it ended is in {state.logs / name}.log"
            yield Finding(name, "ill", "is not running just now", remedy)
            continue
        what = f"{memory // 1_000_000} MB, process {found['pid']}, {found['restarts']} restarts"
        if found["restarts"] >= _MANY_RESTARTS:
            yield Finding(name, "advice", what, f"see why in {state.logs / name}.log")
        else:
            yield Finding(name, "well", what)


def check_postgres(state: State) -> Iterator[Finding]:
    import psycopg

    port = state.config()["ports"]["postgres"]
    password = state.secret("postgres-superuser")
    dsn = given_postgres() or f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    try:
        with psycopg.connect(dsn, connect_timeout=int(LOGIN_SECONDS)) as connection:
            for setting in _MUST_BE_ON:
                row = connection.execute("select current_setting(%s)", (setting,)).fetchone()
                if row is None or row[0] == "off":
                    what = f"{setting} is off: a power cut would lose what was promised"
                    yield Finding("postgres", "ill", what, f"set {setting} = on and restart it")
                    return
            version = connection.info.server_version // 10_000
    except psycopg.OperationalError as error:
        yield Finding("postgres", "ill", str(error).strip(), f"see {state.logs / 'postgres.log'}")
        return
    yield Finding("postgres", "well", f"version {version}, durable")


def _kafka(state: State) -> KafkaAddress:
    port = state.config()["ports"]["kafka"]
    ours = KafkaAddress(f"127.0.0.1:{port}", KAFKA_ADMIN, state.secret(f"kafka-{KAFKA_ADMIN}"))
    return given_kafka() or ours


def check_kafka(state: State) -> Iterator[Finding]:
    from shared.kafka.topics import TOPICS

    address = _kafka(state)
    again = "restart ./gemba up: it makes topics, users and ACLs at every start"
    client = admin_client(address.bootstrap, address.user, address.password, tls=address.tls)
    known = client.list_topics(timeout=LOGIN_SECONDS)
    missing = [topic.name for topic in TOPICS if topic.name not in known.topics]
    if missing:
        yield Finding("kafka", "ill", f"topics are missing: {', '.join(missing)}", again)
        return
    absent = set(wanted_acls(TOPICS, PRINCIPALS)) - existing_acls(client, PRINCIPALS)
    if absent:
        yield Finding("kafka", "ill", f"{len(absent)} ACLs are missing", again)
        return
    for principal in PRINCIPALS:
        password = state.secret(f"kafka-{principal}")
        refused = login_problem(address.bootstrap, principal, password, tls=address.tls)
        if refused:
            yield Finding("kafka", "ill", refused, again)
            return
    what = f"{len(known.brokers)} broker(s), cluster {known.cluster_id}, topics and ACLs right"
    yield Finding("kafka", "well", what)


def check_services(state: State) -> Iterator[Finding]:
    ports = state.config()["ports"]
    for service in SERVICES:
        problem = http_problem(f"http://127.0.0.1:{ports[service]}/readyz")
        if problem:
            remedy = f"see {state.logs / service}.log"
            yield Finding(f"{service} readiness", "ill", problem, remedy)
        else:
            yield Finding(f"{service} readiness", "well", "ready")


RUNNING_CHECKS: tuple[Check, ...] = (
    check_processes,
    check_postgres,
    check_kafka,
    check_services,
)
