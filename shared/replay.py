"""`python -m shared.replay <service>`: ask a service to publish everything again, if the broker is not the one it knows.

With `--always` also if it is: consumers know what they had, and nothing happens twice. Whoever knows the cluster already
names it, and as many services as there are: `python -m shared.replay --onto <cluster> <service> …`, each one's database
in `GEMBA_DATABASE_URL_<SERVICE>`.
"""

import asyncio
import sys
from collections.abc import Sequence

from shared.db import open_pool, transaction
from shared.errors import Rejected, Transient
from shared.kafka.access import KafkaAccess
from shared.kafka.log_state import ask_for_replay, get_log_state
from shared.settings import ServiceSettings, database_url_of


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


async def replay_all(cluster: str, services: Sequence[str]) -> dict[str, int | None]:
    """Each service onto a cluster that is known already; one after another, what each had to publish."""
    return {service: await replay_to(cluster, database_url_of(service)) for service in services}


def main(arguments: Sequence[str]) -> str:
    """What was asked of whom."""
    if arguments[0] == "--onto":
        asked = asyncio.run(replay_all(arguments[1], arguments[2:]))
    else:
        settings = ServiceSettings(service=arguments[0])  # type: ignore[call-arg]
        asked = {arguments[0]: asyncio.run(replay(settings, always="--always" in arguments))}
    return "\n".join(
        f"{service}: {'nothing to replay' if pending is None else f'{pending} records to publish again'}"
        for service, pending in asked.items()
    )


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except (RuntimeError, Transient, Rejected) as fault:
        sys.exit(f"gemba: {fault}")
