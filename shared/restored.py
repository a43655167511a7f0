"""`python -m shared.restored <restore id> <cluster id> <service> …`: the databases of these services came from a backup.

Each begins a new life: nothing is due in it, its facts go to the newly formatted log that has this id. Safe to repeat
with the same restore id.
"""

import asyncio
import sys
from collections.abc import Iterable
from uuid import UUID

from shared.db import open_pool
from shared.lives import begin_life
from shared.settings import database_url_of


async def begin_lives(restore_id: UUID, cluster: str, database_urls: Iterable[str]) -> int:
    """Returns how many databases began a new life now. Raises `SurvivingLog`."""
    begun = 0
    for url in database_urls:
        pool = await open_pool(url, size=1, name="restored")
        try:
            begun += await begin_life(pool, restore_id, cluster)
        finally:
            await pool.close()
    return begun


if __name__ == "__main__":
    urls = [database_url_of(service) for service in sys.argv[3:]]
    count = asyncio.run(begin_lives(UUID(sys.argv[1]), sys.argv[2], urls))
    sys.stdout.write(f"{count} databases began a new life, on hold\n")
