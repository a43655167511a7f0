"""A service meets its database before it serves: it waits for one that is not there yet and refuses one that does not fit.

The schema must be the one that this code was written for. An older one lacks what statements name; a newer one belongs
to a version that may have moved on further than one step. Replicas that run already are not asked: while a new
version is rolled out they go on beside it, because every migration keeps the version before it working.
"""

import asyncio
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import structlog

from shared.db import refuse_unsafe_session
from shared.settings import ServiceSettings

ROOT: Final = Path(__file__).resolve().parent.parent
_CONNECT_SECONDS = 5.0
_RETRY_SECONDS = 0.5

GET_SCHEMA = "select version_num from alembic_version"

_log = structlog.get_logger(__name__)


class Unfit(Exception):
    """The database is there and cannot be used as it is; the message says what would be right."""


def needed_schema(service: str, root: Path = ROOT) -> int:
    """The number of the newest migration in this code."""
    found = [re.match(r"(\d{4})_", path.name) for path in (root / "services" / service / "migrations").glob("*.py")]
    return max((int(match[1]) for match in found if match), default=0)


async def meet_database(settings: ServiceSettings) -> None:
    """Return when the database fits; wait while it is not there, and say so once. Raises `Unfit`."""
    dsn = settings.database_url.get_secret_value()
    waiting_for = ""
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS)
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError) as refused:
            raise Unfit(
                f"PostgreSQL at {_address(dsn)} refused role {_user(dsn)!r}: wrong password, or no such role"
            ) from refused
        except (asyncpg.InvalidCatalogNameError, asyncpg.InsufficientPrivilegeError) as refused:
            raise Unfit(
                f"PostgreSQL at {_address(dsn)}: {refused}; provisioning makes databases and roles"
            ) from refused
        except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.PostgresError) as away:
            if waiting_for != type(away).__name__:
                waiting_for = type(away).__name__
                _log.warning("database.wait", reason=f"PostgreSQL at {_address(dsn)} does not answer: {away}")
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        try:
            await _refuse_unfit(connection, settings.service)
        finally:
            await connection.close(timeout=_CONNECT_SECONDS)
        return


async def _refuse_unfit(connection: "asyncpg.Connection[asyncpg.Record]", service: str) -> None:
    try:
        await refuse_unsafe_session(connection)
    except RuntimeError as unsafe:
        raise Unfit(str(unsafe)) from unsafe
    needed = needed_schema(service)
    try:
        found = int(await connection.fetchval(GET_SCHEMA) or 0)
    except asyncpg.UndefinedTableError:
        found = 0
    if found < needed:
        raise Unfit(
            f"the database of {service} has schema {found:04d} and this version needs {needed:04d}: "
            "run its migrations first (`docker compose up` and `./gemba up` do)"
        )
    if found > needed:
        raise Unfit(
            f"the database of {service} has schema {found:04d} and this version knows {needed:04d}: "
            "run the version that made it, or restore a backup from before"
        )


def _address(dsn: str) -> str:
    parts = urlsplit(dsn)
    return f"{parts.hostname}:{parts.port or 5432}"


def _user(dsn: str) -> str:
    return urlsplit(dsn).username or ""
