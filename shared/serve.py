"""What every `python -m services.<name>` does: read the settings, meet the database, serve until asked to stop.

What is wrong is said in one line on standard error, and the process ends with exit code 1: whoever reads a container's
log finds the reason in its last line, and not a traceback.
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from typing import TypeVar

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from shared import logging
from shared.first_contact import Unfit, meet_database
from shared.secret_files import UnusableSecret
from shared.settings import ServiceSettings

_FINISH_SECONDS = 3
"""For requests that are being answered; with the rest of the stop it is less than a supervisor waits (eight)."""
_KEEP_ALIVE_SECONDS = 30

Own = TypeVar("Own", bound=ServiceSettings)


def serve(settings_of: type[Own], create_app: Callable[[Own], FastAPI]) -> None:
    """Run one process of a service; returns after SIGTERM, when what was in hand is finished."""
    try:
        settings = settings_of()  # type: ignore[call-arg]  # the environment gives the rest
        logging.configure(settings.service, settings.log_level, replica=settings.replica)
        asyncio.run(meet_database(settings))
        app = create_app(settings)
    except (UnusableSecret, Unfit, OSError, ValidationError, ValueError) as wrong:
        sys.exit(f"gemba: {in_one_line(wrong)}")
    except KeyboardInterrupt:
        sys.exit(130)
    gc.freeze()  # what was made so far stays for good: walking through all of it stops the process for a tenth of a second
    uvicorn.run(
        app,
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        timeout_graceful_shutdown=_FINISH_SECONDS,
        # Longer than the web origin keeps an idle connection, so that it is the one who closes: a request sent into a
        # connection that is being closed would be lost.
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        server_header=False,
    )


def in_one_line(wrong: Exception) -> str:
    """What a person needs to know of it; of settings the variables and what is wrong with them, never their values."""
    if isinstance(wrong, ValidationError):
        faults = (
            f"GEMBA_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" if fault["loc"] else fault["msg"]
            for fault in wrong.errors(include_input=False, include_url=False)
        )
        return "; ".join(" ".join(fault.split()) for fault in faults)
    return " ".join(str(wrong).split()) or type(wrong).__name__
