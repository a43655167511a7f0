"""Promises of docker-compose.yml that can be read off it: hardened containers, secrets as files, nobody knows too much."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from deploy.compose import layout
from deploy.local.state import ROOT
from deploy.local.topology import PRINCIPALS, SERVICES

FILE: dict[str, Any] = yaml.safe_load(layout.COMPOSE_FILE.read_text(encoding="utf-8"))
CONTAINERS: dict[str, dict[str, Any]] = FILE["services"]
OWN = {name: part for name, part in CONTAINERS.items() if "GEMBA_IMAGE" in part["image"]}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_read_only_without_capabilities_and_cannot_gain_any(name: str) -> None:
    part = CONTAINERS[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert part.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert "privileged" not in part


@pytest.mark.parametrize("variable", ["KAFKA_IMAGE", "POSTGRES_IMAGE", "CADDY_IMAGE", "PYTHON_IMAGE"])
def test_public_images_are_pinned_by_version_and_digest_and_the_same_everywhere(variable: str) -> None:
    text = layout.COMPOSE_FILE.read_text(encoding="utf-8") + (ROOT / "Dockerfile").read_text(encoding="utf-8")
    defaults = set(re.findall(rf"(?:\$\{{{variable}:-|ARG {variable}=)([^\s}}]+)", text))
    assert len(defaults) == 1, f"{variable} has several defaults, or none: {defaults}"
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}", defaults.pop())


@pytest.mark.parametrize("name", [name for name in CONTAINERS if name != "administrator"])
def test_every_container_that_stays_has_a_limit_of_memory(name: str) -> None:
    assert re.fullmatch(r"\d+[mg]", CONTAINERS[name]["mem_limit"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_twice_and_gets_its_own_secrets_only(service: str) -> None:
    part = CONTAINERS[service]
    assert part["deploy"]["replicas"] == 2
    secrets = set(part["secrets"])
    assert f"postgres-{service}_run" in secrets
    assert f"kafka-{service}" in secrets
    others = [other for other in (*PRINCIPALS, "admin", "superuser") if other != service]
    assert not [name for name in secrets if name.startswith(("postgres-", "kafka-")) and any(o in name for o in others)]
    assert not [name for name in secrets if name.endswith("_migrate")]


def test_private_keys_have_one_reader_each() -> None:
    readers = {
        key: [name for name, part in CONTAINERS.items() if key in part.get("secrets", [])]
        for key in ("identity.pem", "taps.pem", "case-kek.bin", "origin.key")
    }
    assert readers == {
        "identity.pem": ["directory"],
        "taps.pem": ["notifications"],
        "case-kek.bin": ["visits"],
        "origin.key": ["proxy"],
    }


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_secret_stands_in_the_environment(name: str) -> None:
    for variable, value in CONTAINERS[name].get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET|KEY|TOKEN|SMTP_URL|SMS_URL", variable):
            assert variable.endswith(("_FILE", "_DIR")), variable
        assert not re.search(r"://[^/@$]*:[^/@]*@", str(value)), f"{variable} holds a password"


def test_every_secret_is_a_file_that_init_makes() -> None:
    for name, part in FILE["secrets"].items():
        assert part["file"] == f"${{GEMBA_COMPOSE:-./var/compose}}/secrets/{name}"
    assert set(layout.PASSWORDS) <= set(FILE["secrets"])


def test_databases_and_log_are_reached_from_within_alone() -> None:
    assert FILE["networks"]["data"] == {"internal": True}
    assert FILE["networks"]["log"] == {"internal": True}
    assert [name for name, part in CONTAINERS.items() if "ports" in part] == ["proxy"]
    assert CONTAINERS["postgres"]["networks"] == ["data"]
    assert CONTAINERS["proxy"]["networks"] == ["web"]


def test_base_images_are_arguments_with_the_public_ones_as_default() -> None:
    assert CONTAINERS["databases"]["build"]["args"]["PYTHON_IMAGE"].startswith("${PYTHON_IMAGE:-python:3.11.")
    for name, image in (("postgres", "postgres:18"), ("kafka-1", "apache/kafka:4."), ("proxy", "caddy:2.")):
        found = re.fullmatch(r"\$\{[A-Z]+_IMAGE:-(.+)\}", CONTAINERS[name]["image"])
        assert found is not None
        assert found[1].startswith(image)
        assert not found[1].endswith("latest")


def test_services_start_after_their_migrations_and_the_log() -> None:
    for service in SERVICES:
        assert CONTAINERS[service]["depends_on"]["replay"]["condition"] == "service_completed_successfully"
        assert f"migrate-{service}" in CONTAINERS["replay"]["depends_on"]
