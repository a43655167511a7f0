"""Which benchmarks there are, and how large they are unless asked otherwise: each side by side, under a minute."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.benchmarks import (
    consumer,
    growth,
    hop,
    http_command,
    poison,
    projection,
    rebuild,
    relay,
    reminders,
    replicas,
    tap_to_mail,
    timers,
)
from tests.benchmarks.figures import Row
from tests.benchmarks.stage import Stage


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`size` counts what `unit` says."""

    name: str
    summary: str
    size: int
    unit: str
    measure: Callable[[Stage, int], Awaitable[list[Row]]]


BENCHMARKS = {
    each.name: each
    for each in (
        Benchmark("relay", "outbox → log, against the client alone", 20_000, "facts a round", relay.measure),
        Benchmark(
            "consumer", "an ordinary handler, against the same by hand", 4_000, "facts a round", consumer.measure
        ),
        Benchmark(
            "projection",
            "a poll in one transaction, against the same by hand",
            20_000,
            "facts a round",
            projection.measure,
        ),
        Benchmark("hop", "commit → handler at 100/s, against the log's own hop", 500, "facts a round", hop.measure),
        Benchmark(
            "poison", "healthy facts beside poison, against the same without", 500, "facts a round", poison.measure
        ),
        Benchmark("tap", "a tap on a phone → mail, against no log in between", 200, "taps", tap_to_mail.measure),
        Benchmark("http", "a command over HTTP, against bare ASGI", 2_000, "commands a round", http_command.measure),
        Benchmark("growth", "old rows, against a fresh database", 300_000, "old facts", growth.measure),
        Benchmark("replicas", "partitions × replicas, against one of each", 4_000, "facts a round", replicas.measure),
        Benchmark("rebuild", "a lost log, filled again from the outbox", 20_000, "facts", rebuild.measure),
        Benchmark("reminders", "the reminders of one minute, against one by one", 5_000, "visits", reminders.measure),
        Benchmark("timers", "a backlog of deadlines, against peers", 100_000, "pending", timers.measure_backlog),
        Benchmark("steady", "500 deadlines due each second", 100_000, "pending", timers.measure_steady),
        Benchmark("million", "deadlines that only wait", 1_000_000, "pending", timers.measure_million),
    )
}
