"""What a campaign measures beside what it counts: bursts, memory, facts that came twice."""

from __future__ import annotations

import json

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest

from tests.chaos.burst import Burst
from tests.chaos.memory import Growth
from tests.chaos.rebuild import Rebuild
from tests.chaos.repeats import Repeats, counted_in


@pytest.mark.parametrize(
    ("status", "headers", "is_fair"),
    [
        (201, {}, True),
        (503, {"retry-after": "1"}, True),
        (429, {"retry-after": "1"}, True),
        (503, {}, False),
        (500, {"retry-after": "1"}, False),
        (409, {}, False),
    ],
)
def test_a_burst_may_be_answered_or_told_when_to_come_again_and_nothing_else(
    status: int, headers: dict[str, str], is_fair: bool
) -> None:
    found = Burst()
    pause = found.note(status, headers, 0.1)
    assert (not found.otherwise) == is_fair
    assert len(found.seconds) + found.told_when == is_fair
    assert pause == float(found.told_when), "whoever is told when to come again comes then, and nobody else waits"


def test_what_became_of_a_burst_goes_whole_from_the_process_of_its_clients_to_the_campaign() -> None:
    found = Burst([0.1, 0.2], 3)
    for status in (500, 500, 409):
        found.note(status, {}, 0.1)
    assert Burst.of(json.loads(json.dumps(found.as_json()))) == found


def test_the_p99_of_a_burst_is_that_of_what_was_answered() -> None:
    assert Burst().p99_seconds == 0
    assert Burst([n / 1000 for n in range(1, 1001)]).p99_seconds == pytest.approx(0.991)


def test_memory_counts_from_where_each_process_began_and_leaves_out_who_came_later() -> None:
    growth = Growth(
        {1: 100 << 20, 2: 80 << 20}, {1: 101 << 20, 2: 99 << 20, 3: 900 << 20}, {1: "visits", 2: "scheduler"}
    )
    assert growth.worst() == ("scheduler", 19)
    assert Growth().worst() == ("", 0)


def _metrics(**counts: int) -> str:
    registry = CollectorRegistry()
    counter = Counter("gemba_facts_repeated_total", "Facts.", ("consumer",), registry=registry)
    for consumer, count in counts.items():
        counter.labels(consumer).inc(count)
    return generate_latest(registry).decode()


async def test_facts_that_came_twice_are_counted_over_the_lives_of_a_replica() -> None:
    assert counted_in(_metrics(visits=2, scheduler=3)) == 5
    answers = iter([_metrics(visits=2), _metrics(visits=5), _metrics(visits=1)])  # 3 more, then another process with 1
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=next(answers)))
    repeats = Repeats(httpx.AsyncClient(transport=transport))
    for _ in range(3):
        await repeats.look([1])
    assert repeats.total == 6


def test_a_rebuild_lasts_from_the_first_wish_for_it_to_the_last_fact_of_the_last_service() -> None:
    rebuild = Rebuild()
    for at, visits, scheduler in (
        (0.0, (3, 900, 1), (0, 100, 1)),  # pending, facts, epoch: ordinary work
        (1.0, (900, 900, 2), (0, 100, 1)),
        (2.0, (400, 900, 2), (100, 100, 2)),
        (3.0, (0, 900, 2), (100, 100, 2)),
    ):
        rebuild.note("visits", *visits, at)
        rebuild.note("scheduler", *scheduler, at)
    assert rebuild.seconds is None, "one of them is not done"
    rebuild.note("scheduler", 0, 100, 2, 5.0)
    assert (rebuild.facts, rebuild.seconds) == (1000, 4.0)
    assert str(rebuild) == "1000 facts rebuilt in 4.0 s, 250 a second"
    rebuild.note("visits", 7, 907, 2, 6.0)
    assert rebuild.seconds == 4.0, "what comes after it is ordinary work again"
