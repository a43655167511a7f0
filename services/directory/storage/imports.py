"""Which workbooks were taken."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.db import Connection

INSERT_IMPORT = """
    insert into imports (import_id, imported_at, imported_by, file_hash, counts) values ($1, $2, $3, $4, $5)
"""


async def insert_import(
    conn: Connection, import_id: UUID, by: UUID, file_hash: bytes, counts: Sequence[Any], *, now: datetime
) -> None:
    """Remember that a workbook was taken, and with what effect."""
    await conn.execute(INSERT_IMPORT, import_id, now, by, file_hash, list(counts))


GET_IMPORT = "select counts from imports where import_id = $1"


async def get_import_counts(conn: Connection, import_id: UUID) -> list[dict[str, Any]]:
    """The effect of an earlier import."""
    counts: list[dict[str, Any]] = await conn.fetchval(GET_IMPORT, import_id)
    return counts
