"""`python -m services.scheduler`: one process of the service."""

import uvicorn

from services.scheduler.main import create_app
from services.scheduler.settings import Settings
from shared import logging

if __name__ == "__main__":
    settings = Settings()  # type: ignore[call-arg]
    logging.configure(settings.service, settings.log_level, replica=settings.replica)
    uvicorn.run(
        create_app(settings),
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
