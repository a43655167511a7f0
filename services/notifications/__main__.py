"""`python -m services.notifications`: one process, told everything by its environment."""

import uvicorn

from services.notifications.main import create_app
from services.notifications.settings import Settings
from shared.logging import configure

if __name__ == "__main__":
    settings = Settings()  # type: ignore[call-arg]  # the environment gives the rest
    configure(settings.service, settings.log_level, replica=settings.replica)
    uvicorn.run(
        create_app(settings),
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
