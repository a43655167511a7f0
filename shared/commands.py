"""Idempotency keys: a client that did not see our answer asks again with the same key and gets the same result.

A killed PostgreSQL can commit what the client saw fail, so every command has one. Kept are the key, a
hash of the request and the id of the result: never the body.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from shared.db import Connection, Pool, transaction
from shared.errors import Rejected


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The client's key, who used it for what (`scope`), and the hash of what was asked."""

    key: str
    scope: str
    request_hash: bytes

    @classmethod
    def of(cls, key: str, scope: str, request: object) -> "Idempotency":
        """`request` is anything JSON can hold; two requests are the same when their JSON is."""
        if not 8 <= len(key) <= 200:
            raise Rejected(
                "idempotency_key_invalid",
                400,
                "The Idempotency-Key must have 8 to 200 characters; a fresh UUID is right.",
                field="Idempotency-Key",
            )
        text = json.dumps(request, sort_keys=True, default=str)
        return cls(key, scope, hashlib.sha256(text.encode()).digest())


@dataclass(slots=True)
class Command:
    """An open command: do the work on `conn`, then name what came of it with `done`."""

    conn: Connection
    repeated: bool
    result_id: UUID | None
    _idempotency: Idempotency = field(repr=False)

    async def done(self, result_id: UUID) -> UUID:
        """Remember the result in the command's own transaction, unless it is the one that was known beforehand."""
        if result_id != self.result_id:
            await self.conn.execute(SET_RESULT, self._idempotency.scope, self._idempotency.key, result_id)
            self.result_id = result_id
        return result_id

    @property
    def earlier_result(self) -> UUID:
        """What the first of these commands made (only when `repeated`)."""
        if self.result_id is None:
            raise RuntimeError("A command was committed without a result; call done() in its transaction.")
        return self.result_id


INSERT_COMMAND = """
    insert into commands (scope, key, request_hash, result_id) values ($1, $2, $3, $4)
    on conflict (scope, key) do nothing returning true
"""
GET_COMMAND = "select request_hash, result_id from commands where scope = $1 and key = $2"
SET_RESULT = "update commands set result_id = $3 where scope = $1 and key = $2"


@asynccontextmanager
async def command(pool: Pool, idempotency: Idempotency, result_id: UUID | None = None) -> AsyncIterator[Command]:
    """The transaction of one command. A repeat finds `repeated` set and does nothing more. `result_id` where what comes of it
    has its id before it begins.

    Two of the same key at once: the second waits for the first one's commit (the insert conflicts),
    then sees its result. A command that fails leaves nothing behind and may be tried again with its key.
    """
    async with transaction(pool) as conn:
        known = (idempotency.scope, idempotency.key)
        if await conn.fetchval(INSERT_COMMAND, *known, idempotency.request_hash, result_id):
            yield Command(conn, False, result_id, idempotency)
            return
        row = await conn.fetchrow(GET_COMMAND, *known)
        if row is None or row["request_hash"] != idempotency.request_hash:
            raise Rejected(
                "idempotency_key_reused",
                422,
                "This Idempotency-Key was used for another request; use a fresh one for a new request.",
                field="Idempotency-Key",
            )
        yield Command(conn, True, row["result_id"], idempotency)
