"""The doctor names what is wrong, and what to do about it."""

import importlib.metadata
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.doctor import Finding, examine
from deploy.local.state import ROOT, State


def finding(state: State, subject: str) -> Finding:
    (found,) = [each for each in examine(state) if each.subject == subject]
    return found


def test_certificate_for_pip_but_not_for_the_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "proxy.pem"
    certificate.touch()
    monkeypatch.setenv("PIP_CERT", str(certificate))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    found = finding(State(tmp_path / "var"), "certificates")
    assert found.state == "ill"
    assert found.remedy == f"export REQUESTS_CA_BUNDLE={certificate}"


def test_port_taken_by_another_program(tmp_path: Path) -> None:
    state = State(tmp_path / "var")
    with state.locked():
        port = state.ports(("kafka",))["kafka"]
    with socket.create_server(("127.0.0.1", port)):
        found = finding(state, "ports")
    assert found.state == "ill"
    assert f"{port} (kafka)" in found.what


def test_secret_that_others_can_read(tmp_path: Path) -> None:
    state = State(tmp_path / "var")
    with state.locked():
        state.secret("kafka-admin")
    (state.folder / "secrets" / "kafka-admin").chmod(0o644)
    found = finding(state, "state folder")
    assert found.state == "ill"
    assert found.remedy.startswith("chmod 600")


def test_package_that_is_not_the_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "0.0.0")
    found = finding(State(tmp_path / "var"), "packages")
    assert found.state == "ill"
    assert "0.0.0 instead of" in found.what


def test_json_and_exit_code_for_programs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local", "doctor", "--json"],
        cwd=ROOT,
        env={**os.environ, "GEMBA_STATE": str(tmp_path), "PIP_CERT": str(tmp_path / "missing")},
        capture_output=True,
        text=True,
        check=False,
    )
    found = {each["subject"]: each for each in json.loads(done.stdout)}
    assert done.returncode == 1
    assert "which is no file" in found["certificates"]["what"]
    assert found["python"]["state"] == "well"
