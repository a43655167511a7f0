"""The web origin: nobody brings an identity of their own, and nothing is reached by accident."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import Popen

import httpx
import pytest

from deploy.local import process
from deploy.local.caddy import caddy_program
from deploy.local.topology import SERVICES

ISSUED = "issued-by-directory"


class Upstream(BaseHTTPRequestHandler):
    """Answers with what it saw; as directory it also says who is asking."""

    def do_GET(self) -> None:
        if self.path == "/directory/forward-auth":
            forged = "Gemba-Identity" in self.headers
            self.send_response(401 if forged or "deny" in self.headers["X-Forwarded-Uri"] else 200)
            if "public" not in self.headers["X-Forwarded-Uri"]:
                self.send_header("Gemba-Identity", ISSUED)
            self.end_headers()
            return
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        body = json.dumps({"path": self.path, "identity": self.headers.get_all("Gemba-Identity")}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def upstream(port: int) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", port), Upstream)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Origin:
    url: str
    ports: dict[str, int]
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=20)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    folder: Path = tmp_path_factory.mktemp("web")
    taken: set[int] = set()
    for _ in range(len(SERVICES) + 2):
        taken.add(process.free_port(taken))
    port, inbox_port, *rest = taken
    ports = dict(zip(SERVICES, rest, strict=True))
    program = caddy_program(
        folder=folder, port=port, upstreams={name: [port] for name, port in ports.items()}, inbox_port=inbox_port
    )
    program.prepare()
    with (folder / "web.log").open("ab") as log:
        child = Popen(program.command(), env=dict(program.environment), stdout=log, stderr=log)
    try:
        process.wait_until(program.not_ready, what="Caddy", seconds=15)
        with upstream(ports["directory"]), upstream(ports["scheduler"]), upstream(inbox_port):
            yield Origin(f"http://localhost:{port}", ports)
    finally:
        child.terminate()
        child.wait(10)


def test_forged_identity_is_replaced_by_the_real_one(origin: Origin) -> None:
    seen = origin.client.get("/scheduler/plan", headers={"Gemba-Identity": "forged"}).json()
    assert seen["identity"] == [ISSUED]


def test_directory_is_not_asked_with_a_forged_identity(origin: Origin) -> None:
    """The stand-in refuses when it sees one: no bug of directory's may take it for its own."""
    assert origin.client.get("/scheduler/plan", headers={"gemba-identity": "x"}).status_code == 200


def test_forged_identity_is_removed_where_there_is_none(origin: Origin) -> None:
    seen = origin.client.get("/scheduler/public", headers={"Gemba-Identity": "forged"}).json()
    assert seen["identity"] is None


def test_refusal_by_directory_is_final(origin: Origin) -> None:
    assert origin.client.get("/scheduler/deny").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/directory/forward-auth",
        "/directory/forward-auth/",
        "/directory/%66orward-auth",
        "//directory/forward-auth",
        "/DIRECTORY/forward-auth",
        "/scheduler/../directory/forward-auth",
        "/inbox/sms",
        "/status",
        "/metrics",
        "/livez",
        "/nowhere",
        "/scheduler",
    ],
)
def test_what_is_not_a_page_of_a_service_is_not_there(origin: Origin, path: str) -> None:
    with socket.create_connection(("localhost", httpx.URL(origin.url).port or 80)) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        status = raw.makefile("rb").readline().split()[1]
    assert status == b"404", path


def test_every_answer_carries_the_security_headers(origin: Origin) -> None:
    for path in ("/scheduler/plan", "/nowhere", "/inbox/"):
        headers = origin.client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"


def test_first_page_is_directorys(origin: Origin) -> None:
    answer = origin.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/directory/")


def test_request_waits_for_a_service_that_is_restarting(origin: Origin) -> None:
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(origin.client.get("/visits/today")))
    asking.start()
    asking.join(0.5)
    assert not answers, "it gave up at once"
    with upstream(origin.ports["visits"]):
        asking.join(15)
    assert [answer.status_code for answer in answers] == [200]


def test_body_of_13_megabytes_is_refused(origin: Origin) -> None:
    answer = origin.client.post("/scheduler/import", content=b"x" * 13_000_000)
    assert answer.status_code == 413


def test_other_names_of_the_machine_lead_to_the_one_origin(origin: Origin) -> None:
    elsewhere = httpx.get(origin.url.replace("localhost", "127.0.0.1") + "/scheduler/plan?a=1")
    assert elsewhere.status_code == 307
    assert elsewhere.headers["location"] == f"{origin.url}/scheduler/plan?a=1"
