"""Loops of directory's own, beside the relay: mailing links, and forgetting what is over."""

import time
from datetime import timedelta
from typing import Final

import structlog

from services.directory.deps import Deps
from services.directory.storage.sessions import delete_old_sessions
from services.directory.storage.sign_in import delete_old_requests
from services.directory.use_cases.send_sign_in_links import send_sign_in_links
from shared.db import transaction
from shared.errors import Transient
from shared.wakeups import Wakeup

_POLL_SECONDS: Final = 1.0
_CLEAN_EVERY_SECONDS: Final = 3600.0
_KEEP_REQUESTS: Final = timedelta(days=7)

_log = structlog.get_logger(__name__)


class SignInMailer:
    """Mails links as they are asked for; several replicas may run side by side."""

    def __init__(self, deps: Deps, wakeup: Wakeup) -> None:
        self._deps = deps
        self._wakeup = wakeup
        self.settled = 0
        """Wishes answered by this process; only grows."""

    async def run(self) -> None:
        """Until cancelled."""
        clean_at = 0.0
        while True:
            try:
                settled = await send_sign_in_links(deps=self._deps)
                self.settled += settled
                if time.monotonic() >= clean_at:
                    await self._clean()
                    clean_at = time.monotonic() + _CLEAN_EVERY_SECONDS
                if settled:
                    continue
            except Transient as fault:
                _log.warning("sign_in.wait", reason=str(fault))
            await self._wakeup.wait(_POLL_SECONDS)

    async def _clean(self) -> None:
        async with transaction(self._deps.pool) as conn:
            await delete_old_requests(conn, self._deps.clock.now() - _KEEP_REQUESTS)
            await delete_old_sessions(conn)
