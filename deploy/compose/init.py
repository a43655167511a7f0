"""``./gemba compose init``: fresh secrets as files, a certificate, and what this installation chose in ``.env``.

Docker hands a secret to a container as the host's own file, with the host's owner and mode, and containers run as
several users, none of them root of the host. So each file may be read by all and the *folder* above by its owner
alone: on the host nobody else gets to the files, and a container sees those that it was given.
"""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.compose import layout
from deploy.compose.certificate import make_certificate
from deploy.local.kafka import new_cluster_id
from deploy.local.keys import make_missing_keys
from deploy.local.problem import Problem

_INBOX = {"smtp-url": "smtp://inbox:8025", "sms-url": "http://inbox:8000/inbox/sms"}
BROKERS = {1: "1@kafka-1:9093", 3: "1@kafka-1:9093,2@kafka-2:9093,3@kafka-3:9093"}


@dataclass(frozen=True)
class Choices:
    """What whoever installs decides. Without gateways an inbox catches all mail and SMS (compose profile ``dev``)."""

    origin: str = layout.DEFAULT_ORIGIN
    smtp_url: str = ""
    sms_url: str = ""
    brokers: int = 1
    certificate: Path | None = None
    key: Path | None = None


def initialise(choices: Choices) -> list[str]:
    """Make what is missing and never replace a secret; returns what was made. Raises Problem."""
    parts = urlsplit(choices.origin)
    if parts.scheme != "https" or not parts.hostname or parts.path not in {"", "/"}:
        raise Problem(
            f"the origin is {choices.origin!r}; a stack is reached over TLS",
            remedy="it looks like https://gemba.example.org or https://localhost:8443",
        )
    if choices.brokers not in BROKERS:
        raise Problem(f"{choices.brokers} brokers is not a choice", remedy="one, or three that may lose any one")
    if bool(choices.smtp_url) != bool(choices.sms_url):
        raise Problem("name both gateways, or neither", remedy="--smtp-url smtps://… and --sms-url https://…")
    folder = layout.secrets_folder()
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    before = {path.name for path in folder.iterdir()}
    make_missing_keys(folder)
    for name in layout.PASSWORDS:
        _write_missing(folder / name, secrets.token_urlsafe(24))
    _write_missing(folder / "kafka-cluster-id", new_cluster_id())
    _write_missing(folder / "restore", "")
    for name, given in (("smtp-url", choices.smtp_url), ("sms-url", choices.sms_url)):
        _write_missing(folder / name, given or _INBOX[name])
    _provide_certificate(folder, choices, parts.hostname)
    for path in folder.iterdir():
        path.chmod(0o444)
    made = sorted({path.name for path in folder.iterdir()} - before)
    (folder.parent / "origin").write_text(choices.origin.rstrip("/") + "\n", encoding="utf-8")
    if not layout.ENVIRONMENT_FILE.exists():
        layout.ENVIRONMENT_FILE.write_text(_environment(choices, parts.port or 443), encoding="utf-8")
        made.append(layout.ENVIRONMENT_FILE.name)
    return made


def write_choices(brokers: int) -> None:
    """Say another number of brokers in ``.env``; every other line stays as it is."""
    path = layout.ENVIRONMENT_FILE
    kept, profiles = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name == "COMPOSE_PROFILES":
            profiles = [profile for profile in value.split(",") if profile not in {"", "ha"}]
        elif name not in {"KAFKA_VOTERS", "GEMBA_KAFKA_BOOTSTRAP"}:
            kept.append(line)
    path.write_text("\n".join([*kept, *_of_brokers(brokers, profiles)]) + "\n", encoding="utf-8")


def _of_brokers(brokers: int, profiles: list[str]) -> list[str]:
    lines = []
    if brokers == 3:
        profiles = [*profiles, "ha"]
        lines = [f"KAFKA_VOTERS={BROKERS[3]}", "GEMBA_KAFKA_BOOTSTRAP=kafka-1:9092,kafka-2:9092,kafka-3:9092"]
    return [*lines, f"COMPOSE_PROFILES={','.join(profiles)}"] if profiles else lines


def replace_secret(name: str, content: str) -> None:
    """Other content in the same file: a container holds the file it was started with, whatever has its name later.

    One write, so that whoever reads it meanwhile finds the old password or the new one.
    """
    path = layout.secrets_folder() / name
    written = f"{content}\n".encode()
    path.chmod(0o644)
    with path.open("r+b", buffering=0) as file:
        file.write(written)
        file.truncate(len(written))
        os.fsync(file.fileno())
    path.chmod(0o444)


def _write_missing(path: Path, content: str) -> None:
    if path.exists():
        return
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(content + "\n")


def _provide_certificate(folder: Path, choices: Choices, host: str) -> None:
    if choices.certificate and choices.key:
        for given, name in ((choices.certificate, "origin.pem"), (choices.key, "origin.key")):
            try:
                (folder / name).unlink(missing_ok=True)
                shutil.copyfile(given, folder / name)
            except OSError as wrong:
                raise Problem(f"{given} cannot be read: {wrong.strerror}") from wrong
    elif not (folder / "origin.pem").exists():
        made = make_certificate(host)
        _write_missing(folder / "origin.pem", made.chain)
        _write_missing(folder / "origin.key", made.key)
        (folder.parent / "ca.pem").write_text(made.authority, encoding="ascii")


def _environment(choices: Choices, port: int) -> str:
    lines = [
        "# Written by `./gemba compose init`; change it as you like. Read by `docker compose`.",
        f"GEMBA_ORIGIN={choices.origin.rstrip('/')}",
        f"GEMBA_PORT={port}",
        *([] if urlsplit(choices.origin).hostname == "localhost" else ["GEMBA_BIND=0.0.0.0"]),
    ]
    profiles = []
    if not choices.smtp_url:
        profiles.append("dev")
        lines += ["# No gateways were named: an inbox catches all mail and SMS.", "GEMBA_PROFILE=local"]
        lines += ["GEMBA_CADDY_EXTRA=/etc/caddy/dev"]
    lines += _of_brokers(choices.brokers, profiles)
    if os.environ.get("GEMBA_COMPOSE"):
        lines.append(f"GEMBA_COMPOSE={layout.folder()}")
    return "\n".join(lines) + "\n"
