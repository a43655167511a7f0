"""``python -m deploy.local.inbox``: SMTP and HTTP in one process, on the loopback unless told otherwise.

Environment: ``GEMBA_INBOX_SMTP_PORT``, ``GEMBA_INBOX_HTTP_PORT``, ``GEMBA_INBOX_FILE``,
``GEMBA_INBOX_KEY`` or ``GEMBA_INBOX_KEY_FILE`` (empty: open), ``GEMBA_INBOX_HOST`` (in a container all addresses),
``GEMBA_INBOX_KEPT`` (how many messages; 5,000 unless given).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import uvicorn

from deploy.local.inbox.app import make_inbox
from deploy.local.inbox.smtp import smtp_protocol
from deploy.local.inbox.store import KEPT, Store
from shared.secret_files import with_secrets


async def main() -> None:
    told = with_secrets(os.environ)
    store = Store(Path(told["GEMBA_INBOX_FILE"]), kept=int(told.get("GEMBA_INBOX_KEPT") or KEPT))
    app = make_inbox(store, key=told.get("GEMBA_INBOX_KEY", ""))
    host = told.get("GEMBA_INBOX_HOST", "127.0.0.1")
    smtp = await asyncio.get_running_loop().create_server(
        lambda: smtp_protocol(store), host, int(told["GEMBA_INBOX_SMTP_PORT"])
    )
    settings = uvicorn.Config(
        app,
        host=host,
        port=int(told["GEMBA_INBOX_HTTP_PORT"]),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    async with smtp:
        await uvicorn.Server(settings).serve()


if __name__ == "__main__":
    asyncio.run(main())
