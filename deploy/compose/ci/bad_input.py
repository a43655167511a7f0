"""What a stack says to bad input: one line with what is wrong, and an end or a wait; never half a change."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.compose.stack import Stack
from deploy.local.problem import Problem

_JOB = ("run", "--rm", "--no-deps", "-T")


def says(stack: Stack, *arguments: str) -> str:
    """What a container complained about in its last line; AssertionError where it was content."""
    try:
        said = stack.compose(*_JOB, *arguments)
    except Problem as refused:
        complaint = str(refused)
    else:
        raise AssertionError(f"`{' '.join(arguments)}` was content: {said}")
    if "Traceback" in complaint:
        raise AssertionError(complaint)
    return [line for line in complaint.splitlines() if line.strip()][-1]


def expect(said: str, *parts: str) -> None:
    """Raises AssertionError with what was said instead."""
    missing = [part for part in parts if part not in said]
    if missing:
        raise AssertionError(f"expected {missing} in: {said}")


@contextmanager
def secret_as(folder: Path, name: str, content: str | None) -> Iterator[None]:
    """The secret holds something else meanwhile, or is not there."""
    path, kept = folder / name, folder / f"{name}.kept"
    path.rename(kept)
    try:
        if content is not None:
            path.write_text(content + "\n", encoding="utf-8")
            path.chmod(0o444)
        yield
    finally:
        kept.replace(path)


def check_secrets(stack: Stack, folder: Path) -> None:
    with secret_as(folder, "kafka-visits", None):
        said = says(stack, "visits")
        expect(said, "kafka-visits", "does not exist")
    with secret_as(folder, "kafka-visits", "changeme"):
        said = says(stack, "visits")
        expect(said, "GEMBA_KAFKA_PASSWORD_FILE", "holds 8 characters")
    with secret_as(folder, "postgres-visits_run", "another password of good length"):
        said = says(stack, "visits")
        expect(said, "refused role 'visits_run': wrong password")
    with secret_as(folder, "kafka-admin", "another password of good length"):
        said = says(stack, "topics")
        expect(said, "user 'admin' was refused: wrong password")
    with secret_as(folder, "postgres-superuser", "another password of good length"):
        said = says(stack, "databases")
        expect(said, "cannot connect as administrator", "password")


def check_schemas(stack: Stack) -> None:
    """An older schema than the image needs, and a newer one than it knows; the database is as before afterwards."""
    known = _schema(stack)
    try:
        _set_schema(stack, "0001")
        said = says(stack, "scheduler")
        expect(said, "has schema 0001 and this version needs")
        _set_schema(stack, "9999")
        said = says(stack, "scheduler")
        expect(said, "has schema 9999 and this version knows")
        said = says(stack, "migrate-scheduler")
        expect(said, "newer schema than this version knows")
        assert _schema(stack) == "9999", "a migration changed what it refused"
    finally:
        _set_schema(stack, known)


def check_port(stack: Stack, port: int) -> None:
    """Somebody else listens where the origin wants to."""
    stack.compose("stop", "proxy")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        try:
            stack.start("--no-deps", "proxy")
        except Problem as refused:
            said = str(refused)
        else:
            raise AssertionError("the proxy started on a port that is in use")
    expect(said, str(port))
    if "in use" not in said and "already allocated" not in said:
        raise AssertionError(said)
    stack.start("--no-deps", "proxy")


def check_waiting_for_kafka(stack: Stack, await_line: Callable[[str, str], str]) -> None:
    """Kafka is not there yet: whoever needs it waits, says for what, and goes on when it is there."""
    stack.compose("stop", "kafka-1")
    waiting = stack.compose("run", "--detach", "--no-deps", "topics").strip().splitlines()[-1]
    try:
        await_line(waiting, "waiting for Kafka at kafka-1:9092")
        stack.start("--no-deps", "kafka-1")
        await_line(waiting, "topics, 6 users and their permissions are as they should be")
    finally:
        stack.engine.run("rm", "--force", waiting)


def _schema(stack: Stack) -> str:
    return _sql(stack, "select version_num from alembic_version")


def _set_schema(stack: Stack, revision: str) -> None:
    _sql(stack, f"update alembic_version set version_num = '{revision}'")


def _sql(stack: Stack, statement: str) -> str:
    return stack.compose(
        "exec",
        "-T",
        "postgres",
        "psql",
        "-h",
        "/var/run/postgresql",
        "-U",
        "postgres",
        "-d",
        "gemba_scheduler",
        "-tAc",
        statement,
    ).strip()
