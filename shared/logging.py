"""Structured logs: one JSON object per line on stdout, with what it belongs to and nothing secret.

Invariant: no request body, no case text, no contact point and no credential is ever logged.
Three things hold it: keys of the deny list are dropped, long values are cut, and exceptions
are shown as type, first line and places in the code (a database error's DETAIL line quotes
the row, a validation error quotes its input: neither is shown).
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO, cast

import structlog
from pydantic import ValidationError
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

DENIED: Final = frozenset(
    {
        "text",
        "body",
        "token",
        "password",
        "address",
        "email",
        "phone",
        "cookie",
        "authorization",
        "secret",
        "gemba-identity",
        "set-cookie",
    }
)
MAX_VALUE_LENGTH: Final = 1000
_MAX_FRAMES: Final = 30
_MAX_CAUSES: Final = 5
_MAX_DEPTH: Final = 4
_OWN_HANDLERS: Final = ("uvicorn", "uvicorn.error", "faststream", "aiokafka", "apscheduler")
_QUIET: Final = ("httpx", "httpcore", "aiosmtpd", "mail.log", "apscheduler.executors.default")


def configure(service: str, level: str = "INFO", *, replica: str = "1", stream: TextIO | None = None) -> None:
    """Route structlog and every standard logger of this process into JSON lines on stdout.

    Called once, before anything logs. `level` is a standard name (`DEBUG` … `CRITICAL`). Our own lines go straight to
    the stream: by way of the standard library each would cost three times as much.
    """
    constants = {"service": service, "replica": replica, "process": os.getpid()}
    stream = stream or sys.stdout
    before_rendering: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _constants_processor(constants),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_exception,
        withhold_secrets,
    ]
    render = structlog.processors.JSONRenderer(serializer=_to_json)
    structlog.configure(
        processors=[*before_rendering, render],
        logger_factory=lambda name="": _Lines(name, stream),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *before_rendering],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _silence_and_adopt()


class _Lines:
    """Writes the lines of one module. A line that cannot be written (a full disk, a closed pipe) fails nobody's work."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name = name
        self._stream = stream

    def write(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = write


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module; its lines carry the context bound by `bind_for`."""
    return cast("FilteringBoundLogger", structlog.get_logger(name))


@contextmanager
def bind_for(**values: object) -> Iterator[None]:
    """Bind `values` to every line logged inside, and nothing that was bound before.

    Context bound for one message is otherwise still there for the next: so this clears first
    and puts back what it found.
    """
    before = structlog.contextvars.get_contextvars()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**values)
    try:
        yield
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**before)


def withhold_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop denied keys at any depth and cut long values (structlog processor)."""
    return cast("EventDict", _clean(event, 0))


def describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by type, first line, places in the code and causes; never locals."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    if isinstance(raised, tuple):
        raised = raised[1]
    if isinstance(raised, BaseException):
        event["exception"] = _describe(raised, 0)
    return event


def _describe(raised: BaseException, depth: int) -> dict[str, Any]:
    frames = traceback.extract_tb(raised.__traceback__)[-_MAX_FRAMES:]
    described: dict[str, Any] = {
        "type": f"{type(raised).__module__}.{type(raised).__qualname__}",
        "message": _safe_message(raised),
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    cause = raised.__cause__ or (None if raised.__suppress_context__ else raised.__context__)
    if cause is not None and depth < _MAX_CAUSES:
        described["cause"] = _describe(cause, depth + 1)
    if isinstance(raised, BaseExceptionGroup) and depth < _MAX_CAUSES:
        described["grouped"] = [_describe(one, depth + 1) for one in raised.exceptions[:_MAX_CAUSES]]
    return described


def _safe_message(raised: BaseException) -> str:
    if isinstance(raised, ValidationError):
        places = (".".join(str(part) for part in error["loc"]) for error in raised.errors())
        return f"{raised.error_count()} invalid in {raised.title}: {', '.join(places)}"
    lines = str(raised).splitlines()
    return lines[0] if lines else ""


def _clean(value: object, depth: int) -> object:
    if isinstance(value, str):
        return value if len(value) <= MAX_VALUE_LENGTH else value[:MAX_VALUE_LENGTH] + "…"
    if isinstance(value, Mapping):
        if depth >= _MAX_DEPTH and depth > 0 and not _is_cause(value):
            return f"<{len(value)} entries>"
        return {
            key: _clean(item, depth + 1)
            for key, item in value.items()
            if not (isinstance(key, str) and key.lower() in DENIED)
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth + 1) for item in list(value)[:_MAX_FRAMES]]
    return value


def _is_cause(value: Mapping[Any, Any]) -> bool:
    return "at" in value and "type" in value


def _constants_processor(constants: Mapping[str, object]) -> Processor:
    def add_constants(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        for name, value in constants.items():
            event.setdefault(name, value)
        return event

    return add_constants


def _silence_and_adopt() -> None:
    """Take over loggers that bring their own handlers; drop uvicorn's access log (ours has no query)."""
    for name in _OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False


def _to_json(event: object, **_options: object) -> str:
    return json.dumps(event, default=_show, ensure_ascii=False, separators=(",", ":"))


def _show(value: object) -> str:
    """Show ids and instants plainly, anything else cut short; bytes by length only."""
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    return str(value)[:MAX_VALUE_LENGTH]
