"""`python -m shared.replay <service>`: ask a service to publish everything again, if the broker is not the one it knows.

With `--always` also if it is: consumers know what they had, and nothing happens twice.
"""

import asyncio
import sys

from shared.db import open_pool, transaction
from shared.kafka.access import KafkaAccess
from shared.kafka.log_state import ask_for_replay, get_log_state
from shared.settings import ServiceSettings


async def replay(settings: ServiceSettings, *, always: bool = False) -> int | None:
    """Returns how many records became pending; None when nothing needed to be asked."""
    cluster = await KafkaAccess.of(settings).cluster_id()
    return await replay_to(cluster, settings.database_url.get_secret_value(), always=always)


async def replay_to(cluster: str, database_url: str, *, always: bool = False) -> int | None:
    """The same where the cluster behind the broker's address is known already."""
    pool = await open_pool(database_url, size=1, name="replay")
    try:
        async with transaction(pool) as conn:
            known = await get_log_state(conn)
        if known.cluster in (None, cluster) and not always:
            return None
        return await ask_for_replay(pool, cluster)
    finally:
        await pool.close()


if __name__ == "__main__":
    pending = asyncio.run(
        replay(ServiceSettings(service=sys.argv[1]), always="--always" in sys.argv)  # type: ignore[call-arg]
    )
    print("nothing to replay" if pending is None else f"{pending} records to publish again")
