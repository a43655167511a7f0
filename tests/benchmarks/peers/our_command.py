"""The same command through our web stack. `python -m tests.benchmarks.peers.our_command PORT DSN KEYS ORIGIN`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import uvicorn
from fastapi import APIRouter, FastAPI, Header, Request
from pydantic import BaseModel, Field

from shared import logging
from shared.auth import CurrentIdentity
from shared.db import open_pool, transaction
from shared.ids import new_id
from shared.web.app import make_app
from tests.benchmarks.peers.bare_command import TABLES


class Asked(BaseModel):
    visit_id: UUID
    reason: str = Field(min_length=1, max_length=200)


@dataclass(frozen=True)
class _Settings:
    service: str
    installation: str
    origin: str
    keys_dir: Path


def make(dsn: str, keys: Path, origin: str) -> FastAPI:
    routes = APIRouter()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await open_pool(dsn, size=12, name="bench", min_size=12)
        await app.state.pool.execute(TABLES)
        yield
        app.state.pool.terminate()

    @routes.post("/api/things", status_code=201)
    async def post_thing(
        asked: Asked,
        request: Request,
        who: CurrentIdentity,
        key: Annotated[str, Header(alias="Idempotency-Key")],
    ) -> dict[str, Any]:
        made = new_id()
        async with transaction(request.app.state.pool) as conn:
            await conn.execute("insert into seen (key) values ($1) on conflict do nothing", key)
            await conn.execute(
                "insert into things (id, visit_id, reason) values ($1, $2, $3)", made, asked.visit_id, asked.reason
            )
            await conn.execute("insert into facts (id, body) values ($1, $2)", made, asked.model_dump(mode="json"))
        return {"id": str(made)}

    async def nothing() -> dict[str, Any]:
        return {}

    return make_app(
        _Settings("visits", "gemba", origin, keys), title="bench", lifespan=lifespan, routers=[routes], checks={},
        status=nothing,
    )  # fmt: skip


if __name__ == "__main__":
    logging.configure("visits", "INFO", replica="bench")
    uvicorn.run(
        make(sys.argv[2], Path(sys.argv[3]), sys.argv[4]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_config=None,
        server_header=False,
    )
