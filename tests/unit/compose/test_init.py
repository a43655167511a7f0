"""`./gemba compose init`: fresh secrets, readable by containers and by nobody else on the host; nothing is ever replaced."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest
import yaml

from deploy.compose import layout
from deploy.compose.init import Choices, initialise, replace_secret
from deploy.local.problem import Problem


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEMBA_COMPOSE", str(tmp_path / "compose"))
    monkeypatch.setattr(layout, "ENVIRONMENT_FILE", tmp_path / ".env")
    return tmp_path / "compose" / "secrets"


def test_everything_that_the_compose_file_names_is_made(folder: Path) -> None:
    initialise(Choices())
    wanted = set(yaml.safe_load(layout.COMPOSE_FILE.read_text(encoding="utf-8"))["secrets"])
    assert wanted <= {path.name for path in folder.iterdir()}
    passwords = [(folder / name).read_text().strip() for name in layout.PASSWORDS]
    assert len(set(passwords)) == len(passwords)
    assert min(map(len, passwords)) >= 24


def test_files_may_be_read_and_their_folder_may_not_be_entered(folder: Path) -> None:
    initialise(Choices())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}


def test_a_second_time_replaces_nothing_and_makes_what_is_missing(folder: Path) -> None:
    initialise(Choices())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "kafka-visits").unlink()
    assert initialise(Choices()) == ["kafka-visits"]
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after.pop("kafka-visits") != before.pop("kafka-visits")
    assert after == before


def test_the_certificate_is_good_for_the_origin_alone(folder: Path) -> None:
    initialise(Choices(origin="https://gemba.example.org"))
    context = ssl.create_default_context(cafile=str(folder.parent / "ca.pem"))
    assert context.verify_mode is ssl.CERT_REQUIRED
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "origin.pem", folder / "origin.key")
    for name, is_good in (("gemba.example.org", True), ("other.example.org", False)):
        assert _trusts(context, server, name) is is_good


def _trusts(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> bool:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=name)
    other = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(6):
        for side in (one, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return True


def test_without_gateways_an_inbox_catches_everything(folder: Path) -> None:
    initialise(Choices())
    assert "COMPOSE_PROFILES=dev" in layout.ENVIRONMENT_FILE.read_text()
    assert (folder / "smtp-url").read_text().strip() == "smtp://inbox:8025"


def test_with_gateways_it_is_in_production_and_three_brokers_know_each_other(folder: Path) -> None:
    gateways = {"smtp_url": "smtps://u:p@mail.example.org", "sms_url": "https://sms.example.org"}
    initialise(Choices(origin="https://gemba.example.org", brokers=3, **gateways))
    chosen = layout.ENVIRONMENT_FILE.read_text()
    assert "GEMBA_PROFILE" not in chosen
    assert "COMPOSE_PROFILES=ha" in chosen
    assert "KAFKA_VOTERS=1@kafka-1:9093,2@kafka-2:9093,3@kafka-3:9093" in chosen
    assert "mail.example.org" not in chosen
    assert (folder / "smtp-url").read_text().strip() == gateways["smtp_url"]


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        (Choices(origin="http://localhost:8080"), "reached over TLS"),
        (Choices(brokers=2), "not a choice"),
        (Choices(smtp_url="smtp://mail"), "both gateways"),
        (Choices(certificate=Path("/nowhere.pem"), key=Path("/nowhere.key")), "cannot be read"),
    ],
)
def test_what_cannot_work_is_refused(folder: Path, choices: Choices, says: str) -> None:
    with pytest.raises(Problem, match=says):
        initialise(choices)


@pytest.mark.parametrize("new", ["a new password of good length", "a new password that is longer than the one before it"])
def test_a_replaced_secret_is_the_same_file(folder: Path, new: str) -> None:
    """A container sees the file that it was started with: what connects anew must find the new password there."""
    initialise(Choices())
    with (folder / "postgres-visits_run").open() as seen_by_a_container:
        replace_secret("postgres-visits_run", new)
        assert seen_by_a_container.read() == new + "\n"
    assert (folder / "postgres-visits_run").stat().st_mode & 0o777 == 0o444
