"""The one shape of a service's HTTP application; `services/*/main.py` fills it in.

From the outside in: request context (correlation, log, metrics) → security headers → errors
become answers → same-origin check → body limit → routes. Health stands at the root of the
service's own port, everything else under `/<service>`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from shared.auth import IdentityVerifier
from shared.errors import Rejected, Transient
from shared.health import Check, LoopWatch, Status, health_router
from shared.operations import operations_router
from shared.web import problems
from shared.web.assets import Assets
from shared.web.guards import DEFAULT_BODY_BYTES, BodyLimit, SameOriginOnly
from shared.web.middleware import AnswerErrors, RequestContext, SecurityHeaders
from shared.web.pages import Pages
from shared.web.shedding import Shedding

IDENTITY_KEY_FILE: Final = "identity.pub.pem"
"""Directory's public key, in `settings.keys_dir`: what identities are verified with."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class WebSettings(Protocol):
    """What the web part needs of a service's settings (`shared.settings.ServiceSettings` has it)."""

    service: str
    installation: str
    origin: str
    keys_dir: Path


def make_app(
    settings: WebSettings,
    *,
    title: str,
    lifespan: Lifespan,
    routers: Sequence[APIRouter],
    checks: Mapping[str, Check],
    status: Status,
    version: str = "1",
    templates: Sequence[Path] = (),
    static: Path | None = None,
    body_limit: int = DEFAULT_BODY_BYTES,
    larger_bodies: Mapping[str, int] | None = None,
) -> FastAPI:
    """Assemble a service's application.

    `routers` have paths without the service's name in front. `templates` are the service's own
    folders, `static` its own assets. `checks` and `status` are called when asked, so they may
    close over what `lifespan` opens. `larger_bodies` maps path prefixes (`/directory/import`)
    to limits in bytes.
    """
    service = settings.service
    watch = LoopWatch()

    @asynccontextmanager
    async def watched_lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with watch.running(), lifespan(app):
            yield

    app = FastAPI(
        title=title,
        version=version,
        lifespan=watched_lifespan,
        openapi_url=f"/{service}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(RequestContext),
            Middleware(SecurityHeaders, https=settings.origin.startswith("https://")),
            Middleware(AnswerErrors),
            Middleware(Shedding),
            Middleware(SameOriginOnly, origin=settings.origin),
            Middleware(BodyLimit, limit=body_limit, larger=larger_bodies or {}),
        ],
        exception_handlers=dict.fromkeys((Rejected, Transient, RequestValidationError, HTTPException), problems.handle),
    )
    assets = Assets(service, static)
    app.state.pages = Pages(service, assets, templates)
    app.state.identity_verifier = IdentityVerifier(
        settings.keys_dir / IDENTITY_KEY_FILE,
        installation=settings.installation,
        audience=service,
    )
    # The service's own routes first: they are looked through in this order, and are what is asked for.
    for router in routers:
        app.include_router(router, prefix=f"/{service}")
    app.include_router(operations_router(status), prefix=f"/{service}")
    app.include_router(health_router(checks, status, loop_watch=watch))
    app.add_api_route(f"/{service}/static/{{name:path}}", assets.serve, include_in_schema=False)
    return app
