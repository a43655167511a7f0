"""`python -m services.visits`: one process of the service."""

import uvicorn

from services.visits.main import create_app
from services.visits.settings import Settings
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
