"""A pretended installation on the loopback: what the command line sends, and what it makes of answers."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.local.cli.app import main


@dataclass
class Asked:
    """One request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def key(self) -> str | None:
        return self.headers.get("idempotency-key")


@dataclass
class Pretended:
    """Answers by method and path; the last answer of a list is given again and again."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    def answer(self, method: str, path: str, *bodies: Any) -> None:
        """A body (200), a `(status, body, headers)`, the word "drop", or a function of the request."""
        self.answers[method, path] = list(bodies)

    def refuse(self, method: str, path: str, status: int, code: str, detail: str, **more: Any) -> None:
        self.answer(method, path, (status, {"status": status, "code": code, "detail": detail, **more}, {}))

    def of(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def _handle(self) -> None:
        pretended: Pretended = self.server.pretended
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", "0"))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, query, headers, self.rfile.read(length))
        pretended.asked.append(asked)
        prepared = pretended.answers.get((self.command, parts.path))
        found = (404, {"status": 404, "code": "not_found", "detail": "There is nothing at this address."}, {})
        if prepared:
            found = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        if callable(found):
            found = found(asked)
        if found == "drop":
            self.close_connection = True
            return
        status, body, more = found if isinstance(found, tuple) else (200, found, {})
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 (the names are the library's)

    def log_message(self, format: str, *args: Any) -> None:
        del format, args


@pytest.fixture
def gemba(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pretended]:
    """An installation that is reached by GEMBA_URL and GEMBA_TOKEN, without patience."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    pretended = Pretended(url=f"http://127.0.0.1:{server.server_port}")
    server.pretended = pretended  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    monkeypatch.setenv("GEMBA_URL", pretended.url)
    monkeypatch.setenv("GEMBA_TOKEN", "a-token")
    monkeypatch.setenv("GEMBA_PATIENCE", "0")
    yield pretended
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document, with nothing before or after it."""
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command as `./gemba` does, up to its exit code."""

    def run_command(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["gemba", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return Done(code or 0, shown.out, shown.err)

    return run_command
