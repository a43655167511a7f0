"""What a service counts, and the thread that ties a tap to an e-mail.

Metrics are Prometheus text at `/metrics`. Label values are route templates, kinds and states:
never an id, so that the number of series stays small.

The thread is the W3C Trace Context header `traceparent`: it comes with a request, is stored in
the outbox row, travels on the fact and reaches the message. Its trace id is the correlation id
when the caller brought none.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

REGISTRY: Final = CollectorRegistry(auto_describe=True)
METRICS_CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
LATENCY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_Metric = TypeVar("_Metric", Counter, Gauge, Histogram)
_made: dict[str, Counter | Gauge | Histogram] = {}


def _once(name: str, kind: type[_Metric], make: Callable[[], _Metric]) -> _Metric:
    """Make a metric once per process; several apps in one process (tests) share it."""
    found = _made.get(name)
    if found is None:
        found = _made[name] = make()
    if not isinstance(found, kind):
        message = f"metric {name} is a {type(found).__name__}, not a {kind.__name__}"
        raise TypeError(message)
    return found


def counter(name: str, help_text: str, labels: Sequence[str] = ()) -> Counter:
    """Return the counter of that name (`…_total`); the same one when asked again."""
    return _once(name, Counter, lambda: Counter(name, help_text, labels, registry=REGISTRY))


def gauge(name: str, help_text: str, labels: Sequence[str] = ()) -> Gauge:
    """Return the gauge of that name; the same one when asked again."""
    return _once(name, Gauge, lambda: Gauge(name, help_text, labels, registry=REGISTRY))


def histogram(
    name: str,
    help_text: str,
    labels: Sequence[str] = (),
    *,
    buckets: Sequence[float] = LATENCY_BUCKETS,
) -> Histogram:
    """Return the histogram of that name (`…_seconds`); the same one when asked again."""
    return _once(
        name,
        Histogram,
        lambda: Histogram(name, help_text, labels, buckets=buckets, registry=REGISTRY),
    )


HTTP_REQUESTS: Final = counter(
    "gemba_http_requests_total",
    "HTTP requests answered, by route template.",
    ("method", "route", "status"),
)
HTTP_SECONDS: Final = histogram(
    "gemba_http_request_seconds",
    "Time to the last byte of the answer, by route template.",
    ("method", "route"),
)


def metrics_text() -> bytes:
    """All metrics of this process in Prometheus text format."""
    return generate_latest(REGISTRY)


@dataclass(frozen=True, slots=True)
class TraceParent:
    """One position in a trace (W3C Trace Context, version 00)."""

    trace_id: str
    span_id: str
    flags: str = "01"

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_current: ContextVar[str | _Follower | None] = ContextVar("gemba_traceparent", default=None)


def parse_traceparent(header: str | None) -> TraceParent | None:
    """Read a `traceparent`; None when it is absent or not valid (a bad one is ignored, by the standard)."""
    match = _TRACEPARENT.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest):
        return None
    if not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return TraceParent(trace_id, span_id, flags)


def new_traceparent() -> str:
    """Start a trace."""
    return str(TraceParent(_random_hex(16), _random_hex(8)))


def child_traceparent(parent: str | None) -> str:
    """Continue the parent's trace with a span of our own; start one when there is no valid parent."""
    parsed = parse_traceparent(parent)
    if parsed is None:
        return new_traceparent()
    return str(TraceParent(parsed.trace_id, _random_hex(8), parsed.flags))


def correlation_id_of(traceparent: str) -> str:
    """Return the trace id: what the lines of one thread have in common across all services."""
    parsed = parse_traceparent(traceparent)
    return parsed.trace_id if parsed else _random_hex(16)


def current_traceparent() -> str:
    """Return the `traceparent` of what is being handled now; a new one outside of anything."""
    return str(_current.get() or new_traceparent())


@contextmanager
def tracing(parent: str | None) -> Iterator[str]:
    """Handle something as a child of `parent`: facts written inside carry this `traceparent`."""
    here = child_traceparent(parent)
    reset = _current.set(here)
    try:
        yield here
    finally:
        _current.reset(reset)


class _Follower:
    """A child of `parent` that is named when somebody asks for it."""

    __slots__ = ("_name", "_parent")

    def __init__(self, parent: str | None) -> None:
        self._parent = parent
        self._name = ""

    def __str__(self) -> str:
        self._name = self._name or child_traceparent(self._parent)
        return self._name


@contextmanager
def following(parent: str | None) -> Iterator[None]:
    """As `tracing`, for what is handled by the thousand and seldom says anything of its own."""
    reset = _current.set(_Follower(parent))
    try:
        yield
    finally:
        _current.reset(reset)


def _random_hex(size: int) -> str:
    while not (value := secrets.token_hex(size)).strip("0"):
        pass
    return value
