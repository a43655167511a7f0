"""``python -m deploy.local.inbox``: SMTP and HTTP in one process, on the loopback.

Environment: ``GEMBA_INBOX_SMTP_PORT``, ``GEMBA_INBOX_HTTP_PORT``, ``GEMBA_INBOX_FILE``,
``GEMBA_INBOX_KEY`` (empty: open).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import uvicorn

from deploy.local.inbox.app import make_inbox
from deploy.local.inbox.smtp import smtp_protocol
from deploy.local.inbox.store import Store


async def main() -> None:
    store = Store(Path(os.environ["GEMBA_INBOX_FILE"]))
    app = make_inbox(store, key=os.environ.get("GEMBA_INBOX_KEY", ""))
    smtp = await asyncio.get_running_loop().create_server(
        lambda: smtp_protocol(store), "127.0.0.1", int(os.environ["GEMBA_INBOX_SMTP_PORT"])
    )
    settings = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=int(os.environ["GEMBA_INBOX_HTTP_PORT"]),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    async with smtp:
        await uvicorn.Server(settings).serve()


if __name__ == "__main__":
    asyncio.run(main())
