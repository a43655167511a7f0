"""Every service refuses in the same way, says nothing it should not, and cannot be used from another site."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from joserfc.jwk import OKPKey
from pydantic import BaseModel, Field
from structlog.testing import LogCapture

from shared import telemetry
from shared.auth import CurrentIdentity, Identity, require, sign_identity
from shared.crypto import load_signing_key, write_signing_keys
from shared.errors import Rejected, Transient
from shared.web.app import IDENTITY_KEY_FILE, make_app
from shared.web.guards import DEFAULT_BODY_BYTES

pytestmark = pytest.mark.asyncio

SECRET = "what the trainer saw"


@dataclass
class Settings:
    """What make_app needs of a service's settings."""

    keys_dir: Path
    service: str = "visits"
    installation: str = "gemba"
    origin: str = "https://gemba.example"


class Report(BaseModel):
    visit_id: UUID
    seats: int = Field(ge=1, le=20)
    text: str = ""


def routes() -> APIRouter:
    router = APIRouter()
    deep = APIRouter(prefix="/cohorts/{cohort_id}")

    @router.get("/me")
    async def me(identity: CurrentIdentity) -> dict[str, str]:
        return {"person_id": identity.person_id}

    @router.get("/officers", dependencies=[Depends(require("officer", "deputy"))])
    async def officers() -> dict[str, str]:
        return {}

    @router.post("/reports")
    async def report(report: Report) -> dict[str, str]:
        return {"visit_id": str(report.visit_id)}

    @router.post("/import/upload")
    async def upload(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @router.get("/rejected")
    async def rejected() -> None:
        raise Rejected("visit_cancelled", 409, "The visit was cancelled on 3 March.", field="visit_id")

    @router.get("/transient")
    async def transient() -> None:
        raise Transient(SECRET)

    @router.get("/bug")
    async def bug() -> None:
        raise RuntimeError(SECRET)

    @router.get("/taps/{token}")
    async def tap(token: str) -> dict[str, str]:
        structlog.get_logger().info("inside", length=len(token))
        return {"trace": telemetry.current_traceparent()}

    @deep.get("/visits/{visit_id}")
    async def visit(cohort_id: str, visit_id: str) -> dict[str, str]:
        return {"cohort_id": cohort_id, "visit_id": visit_id}

    router.include_router(deep)
    outer = APIRouter()

    @outer.get("/list")
    async def listed() -> dict[str, str]:
        return {}

    router.include_router(outer, prefix="/countries/{country}")
    return router


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield


async def fine() -> None:
    """A check that passes."""


async def status() -> dict[str, Any]:
    return {"waiting": {}}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_signing_keys(tmp_path / "identity.pem", tmp_path / IDENTITY_KEY_FILE)
    return Settings(tmp_path)


@pytest.fixture
def key(settings: Settings) -> OKPKey:
    return load_signing_key(settings.keys_dir / "identity.pem")


@pytest.fixture
def client(settings: Settings) -> httpx.AsyncClient:
    app = make_app(
        settings,
        title="Visits",
        lifespan=lifespan,
        routers=[routes()],
        checks={"database": fine},
        status=status,
        larger_bodies={"/visits/import/": 3 * DEFAULT_BODY_BYTES},
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


@pytest.fixture(autouse=True)
def log() -> Iterator[LogCapture]:
    capture = LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    try:
        yield capture
    finally:
        structlog.reset_defaults()


def signed(key: OKPKey, *, role: str = "trainer", kind: str = "session") -> dict[str, str]:
    identity = Identity(
        person_id="rina",
        name="Rina Das",
        roles=frozenset({role}),
        countries=frozenset({"BD"}),
        session_id="s1",
        kind="token" if kind == "token" else "session",
        zone="Asia/Dhaka",
        language="bn",
    )
    token = sign_identity(identity, key, time.time(), "visits", installation="gemba")
    return {"Gemba-Identity": token}


async def test_a_service_reached_around_the_origin_refuses(client: httpx.AsyncClient) -> None:
    response = await client.get("/visits/me")
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "not_signed_in"


async def test_a_signed_identity_is_let_in(client: httpx.AsyncClient, key: OKPKey) -> None:
    response = await client.get("/visits/me", headers=signed(key))
    assert response.json() == {"person_id": "rina"}


async def test_the_wrong_role_is_refused_and_the_right_one_named(client: httpx.AsyncClient, key: OKPKey) -> None:
    response = await client.get("/visits/officers", headers=signed(key))
    assert (response.status_code, response.json()["code"]) == (403, "wrong_role")
    assert "officer or deputy" in response.json()["detail"]
    allowed = await client.get("/visits/officers", headers=signed(key, role="deputy"))
    assert allowed.status_code == 200


async def test_a_page_without_a_sign_in_leads_to_it_and_back(client: httpx.AsyncClient) -> None:
    response = await client.get("/visits/me?a=1&b=2", headers={"Accept": "text/html"})
    assert response.status_code == 303
    assert response.headers["location"] == "/directory/sign-in?next=%2Fvisits%2Fme%3Fa%3D1%26b%3D2"


async def test_a_refusal_says_what_is_wrong_and_where(client: httpx.AsyncClient) -> None:
    response = await client.get("/visits/rejected")
    assert response.status_code == 409
    problem = response.json()
    assert problem["type"] == "urn:gemba:problem:visit_cancelled"
    assert problem["detail"] == "The visit was cancelled on 3 March."
    assert problem["field"] == "visit_id"
    assert problem["correlation_id"] == response.headers["x-correlation-id"]


async def test_a_person_gets_a_page_and_a_page_part_gets_a_part(client: httpx.AsyncClient) -> None:
    page = await client.get("/visits/rejected", headers={"Accept": "text/html"})
    assert page.status_code == 409
    assert "<main" in page.text
    assert "The visit was cancelled on 3 March." in page.text
    part = await client.get("/visits/rejected", headers={"HX-Request": "true"})
    assert part.status_code == 409
    assert "<main" not in part.text
    assert "The visit was cancelled on 3 March." in part.text


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_a_bug_shows_no_stack_and_no_message(client: httpx.AsyncClient, log: LogCapture, accept: str) -> None:
    response = await client.get("/visits/bug", headers={"Accept": accept})
    assert response.status_code == 500
    assert SECRET not in response.text
    assert "Traceback" not in response.text
    assert response.headers["x-correlation-id"]
    assert response.headers["content-security-policy"]
    assert any(entry["log_level"] == "error" for entry in log.entries)


async def test_a_passing_fault_says_when_to_try_again(client: httpx.AsyncClient) -> None:
    response = await client.get("/visits/transient")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "2"
    assert SECRET not in response.text


async def test_invalid_input_names_each_field_and_what_would_be_right(
    client: httpx.AsyncClient,
) -> None:
    body = {"visit_id": SECRET, "seats": 99, "text": SECRET}
    response = await client.post("/visits/reports", json=body)
    assert response.status_code == 422
    errors = {error["field"]: error["expected"] for error in response.json()["errors"]}
    assert errors == {"visit_id": "an id (UUID)", "seats": "le 20"}
    assert SECRET not in response.text


async def test_invalid_json_is_refused_without_repeating_it(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/visits/reports", content=b"{" + SECRET.encode(), headers=headers)
    assert response.status_code == 422
    assert response.json()["errors"][0]["expected"] == "valid JSON"
    assert SECRET not in response.text


@pytest.mark.parametrize(("method", "path", "code"), [("GET", "/nowhere", 404), ("PUT", "/visits/me", 405)])
async def test_what_is_not_there_answers_with_a_problem_too(
    client: httpx.AsyncClient, method: str, path: str, code: int
) -> None:
    response = await client.request(method, path)
    assert response.status_code == code
    assert response.headers["content-type"] == "application/problem+json"


REPORT = {"visit_id": "01975f6e-0000-7000-8000-000000000000", "seats": 3}


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "nonsense"])
async def test_another_site_cannot_act_with_a_session(client: httpx.AsyncClient, key: OKPKey, site: str) -> None:
    headers = {**signed(key), "Cookie": "__Host-gemba=x", "Sec-Fetch-Site": site}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = await client.request(method, "/visits/reports", json=REPORT, headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "cross_site")


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_our_own_pages_can_act(client: httpx.AsyncClient, key: OKPKey, site: str) -> None:
    headers = {**signed(key), "Cookie": "__Host-gemba=x", "Sec-Fetch-Site": site}
    response = await client.post("/visits/reports", json=REPORT, headers=headers)
    assert response.status_code == 200


async def test_an_old_browser_is_judged_by_its_origin(client: httpx.AsyncClient, key: OKPKey) -> None:
    cookie = {**signed(key), "Cookie": "__Host-gemba=x"}
    ours = {**cookie, "Origin": "https://gemba.example"}
    assert (await client.post("/visits/reports", json=REPORT, headers=ours)).status_code == 200
    for origin in ("https://evil.example", "null", "https://gemba.example.evil.example"):
        headers = {**cookie, "Origin": origin}
        response = await client.post("/visits/reports", json=REPORT, headers=headers)
        assert response.status_code == 403


async def test_a_program_without_cookies_or_with_a_token_can_act(client: httpx.AsyncClient, key: OKPKey) -> None:
    assert (await client.post("/visits/reports", json=REPORT)).status_code == 200
    token = {**signed(key, kind="token"), "Cookie": "other=1"}
    assert (await client.post("/visits/reports", json=REPORT, headers=token)).status_code == 200
    session = {**signed(key), "Cookie": "__Host-gemba=x"}
    assert (await client.post("/visits/reports", json=REPORT, headers=session)).status_code == 403


async def test_reading_is_open_to_links_from_elsewhere(client: httpx.AsyncClient, key: OKPKey) -> None:
    headers = {**signed(key), "Cookie": "__Host-gemba=x", "Sec-Fetch-Site": "cross-site"}
    assert (await client.get("/visits/me", headers=headers)).status_code == 200


async def test_a_body_over_the_limit_is_refused_declared_or_not(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(DEFAULT_BODY_BYTES // 65536 + 1):
            yield b"x" * 65536

    for content in (b"x" * (DEFAULT_BODY_BYTES + 1), chunks()):
        response = await client.post("/visits/reports", content=content)
        assert response.status_code == 413
        assert response.headers["content-type"] == "application/problem+json"


async def test_a_declared_length_over_the_limit_is_refused_before_anything_is_read(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post("/nowhere", content=b"x" * (DEFAULT_BODY_BYTES + 1))
    assert response.status_code == 413
    nonsense = await client.post("/nowhere", content=b"x", headers={"Content-Length": "-1"})
    assert nonsense.status_code == 413


async def test_what_is_too_large_is_read_out_so_that_its_sender_sees_the_answer(client: httpx.AsyncClient) -> None:
    """A connection closed on somebody who is still sending shows them a broken line instead of what was wrong."""
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(40):
            sent += 1
            yield b"x" * 65536

    for headers in ({}, {"Content-Length": str(40 * 65536)}):
        sent = 0
        assert (await client.post("/visits/reports", content=chunks(), headers=headers)).status_code == 413
        assert sent == 40


async def test_an_upload_may_be_larger_where_it_is_declared(client: httpx.AsyncClient) -> None:
    large = b"x" * (2 * DEFAULT_BODY_BYTES)
    assert (await client.post("/visits/import/upload", content=large)).json() == {"bytes": len(large)}
    too_large = b"x" * (3 * DEFAULT_BODY_BYTES + 1)
    assert (await client.post("/visits/import/upload", content=too_large)).status_code == 413


@pytest.mark.parametrize("path", ["/visits/me", "/nowhere", "/visits/bug", "/livez", "/visits/static/gemba.css"])
async def test_every_answer_says_what_a_page_may_do(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["strict-transport-security"].startswith("max-age=")
    assert headers["cache-control"]


async def test_pages_are_not_kept_by_the_browser(client: httpx.AsyncClient, key: OKPKey) -> None:
    response = await client.get("/visits/me", headers=signed(key))
    assert response.headers["cache-control"] == "no-store"


async def test_a_given_correlation_id_is_kept_and_an_unsafe_one_replaced(
    client: httpx.AsyncClient,
) -> None:
    kept = await client.get("/nowhere", headers={"X-Correlation-Id": "from-outside-1"})
    assert kept.headers["x-correlation-id"] == "from-outside-1"
    for unsafe in ("short", "a" * 65, "with space here", "<script>alert(1)</script>"):
        response = await client.get("/nowhere", headers={"X-Correlation-Id": unsafe})
        assert response.headers["x-correlation-id"] != unsafe


async def test_the_trace_goes_on_inside(client: httpx.AsyncClient) -> None:
    parent = telemetry.new_traceparent()
    response = await client.get("/visits/taps/abc", headers={"traceparent": parent})
    trace_id = telemetry.correlation_id_of(parent)
    assert telemetry.correlation_id_of(response.json()["trace"]) == trace_id
    assert response.headers["x-correlation-id"] == trace_id


async def test_the_access_log_has_the_template_and_ids_but_no_token_and_no_query(
    client: httpx.AsyncClient, log: LogCapture
) -> None:
    await client.get("/visits/taps/t0psecret?also=s3cret")
    await client.get("/visits/cohorts/c1/visits/v1")
    tap, visit = (entry for entry in log.entries if entry["event"] == "request")
    assert tap["route"] == "/visits/taps/{token}"
    assert "t0psecret" not in str(log.entries)
    assert "s3cret" not in str(log.entries)
    assert visit["route"] == "/visits/cohorts/{cohort_id}/visits/{visit_id}"
    assert (visit["cohort_id"], visit["visit_id"], visit["status"]) == ("c1", "v1", 200)


async def test_lines_inside_a_request_carry_its_id_and_the_next_one_has_its_own(
    client: httpx.AsyncClient, log: LogCapture
) -> None:
    for correlation_id in ("request-one", "request-two"):
        await client.get("/visits/taps/x", headers={"X-Correlation-Id": correlation_id})
    inside = [entry["correlation_id"] for entry in log.entries if entry["event"] == "inside"]
    assert inside == ["request-one", "request-two"]
    assert structlog.contextvars.get_contextvars() == {}


async def test_requests_are_counted_by_template(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.get(f"/visits/cohorts/c{number}/visits/v")
        await client.get(f"/nowhere/{number}")
        await client.get(f"/visits/countries/k{number}/list")
    metrics = (await client.get("/metrics")).text
    assert 'route="/visits/cohorts/{cohort_id}/visits/{visit_id}",status="200"} ' in metrics
    assert 'route="/visits/countries/{country}/list"' in metrics
    assert "/nowhere" not in metrics
    assert "/k1/" not in metrics
    assert "c1" not in metrics


async def test_health_needs_no_identity_and_stands_outside_the_service_prefix(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/livez", "/readyz", "/status", "/metrics"):
        assert (await client.get(path)).status_code == 200
        assert (await client.get("/visits" + path)).status_code == 404


async def test_the_schema_is_published_and_no_page_for_it(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/visits/openapi.json")).json()
    assert "/visits/reports" in schema["paths"]
    assert not any("static" in path or "livez" in path for path in schema["paths"])
    for path in ("/docs", "/redoc", "/visits/docs", "/openapi.json"):
        assert (await client.get(path)).status_code == 404
