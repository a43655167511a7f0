"""Publishers and listeners for the kit's own tests."""

from collections.abc import Iterator

import pytest
import structlog

from tests.integration.kit.parts import desk, listener, publisher

__all__ = ["desk", "listener", "publisher"]


@pytest.fixture(scope="session", autouse=True)
def _plain_tracebacks() -> Iterator[None]:
    """Handlers raise on purpose here, and structlog's own rendering of that takes longer than most of the tests."""
    before = structlog.get_config()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    yield
    structlog.configure(**before)
