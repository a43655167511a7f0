"""One process of a service: its HTTP side, and behind it the parts that run as long as it is served.

`services/*/main.py` says what there is; `shared/web/app.py` puts HTTP together, `shared/assembly.py` the rest.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI

from shared.assembly import Parts, Running, running
from shared.settings import ServiceSettings
from shared.web.app import make_app


def make_service(
    settings: ServiceSettings,
    make_parts: Callable[[Running], Awaitable[Parts]],
    *,
    title: str,
    routers: Sequence[APIRouter],
    templates: Path,
    static: Path | None = None,
    larger_bodies: Mapping[str, int] | None = None,
) -> FastAPI:
    """The application of one process; its parts start and stop with it.

    Routes find what runs in `app.state.service` and what `make_parts` gave them in `app.state.deps`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, make_parts) as service:
            assert service.parts is not None
            app.state.service = service
            app.state.deps = service.parts.deps
            yield

    async def check_database() -> None:
        await app.state.service.check_database()

    async def check_log() -> None:
        await app.state.service.check_log()

    async def status() -> dict[str, Any]:
        told: dict[str, Any] = await app.state.service.status()
        return told

    app = make_app(
        settings,
        title=title,
        lifespan=lifespan,
        routers=routers,
        checks={"database": check_database, "log": check_log},
        status=status,
        templates=[templates],
        static=static,
        larger_bodies=larger_bodies,
    )
    return app
