"""Copies of enterprises: the names that stand in messages, and who is invited for them."""

from collections.abc import Sequence
from uuid import UUID

from shared.contracts.enterprise import EnterpriseState
from shared.db import Connection, Record

SAVE_ENTERPRISE = """
    insert into enterprises (enterprise_id, name, country, region, zone, contact_ids) values ($1, $2, $3, $4, $5, $6)
    on conflict (enterprise_id) do update
    set name = excluded.name, country = excluded.country, region = excluded.region, zone = excluded.zone,
        contact_ids = excluded.contact_ids
"""


async def save_enterprise(conn: Connection, enterprise: EnterpriseState) -> None:
    """Replace the copy of an enterprise. One that is no longer active keeps its name in the log and invites nobody."""
    await conn.execute(
        SAVE_ENTERPRISE,
        enterprise.enterprise_id,
        enterprise.name,
        enterprise.country,
        enterprise.region,
        enterprise.zone,
        list(enterprise.contact_ids) if enterprise.active else [],
    )


DELETE_ENTERPRISE = "delete from enterprises where enterprise_id = $1"


async def delete_enterprise(conn: Connection, enterprise_id: UUID) -> None:
    """Forget an erased enterprise."""
    await conn.execute(DELETE_ENTERPRISE, enterprise_id)


LIST_ENTERPRISES = "select * from enterprises where enterprise_id = any($1::uuid[])"


async def get_enterprises(conn: Connection, enterprise_ids: Sequence[UUID]) -> dict[UUID, Record]:
    """Those of the enterprises that are known."""
    return {row["enterprise_id"]: row for row in await conn.fetch(LIST_ENTERPRISES, list(enterprise_ids))}
