"""One thread from the tap to the e-mail, by W3C Trace Context; metrics exist once per process."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import telemetry

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_new_trace_is_valid_and_unlike_any_other() -> None:
    traces = {telemetry.new_traceparent() for _ in range(100)}
    assert len(traces) == 100
    for trace in traces:
        assert telemetry.parse_traceparent(trace) is not None


def test_a_child_stays_in_the_trace_with_a_span_of_its_own() -> None:
    child = telemetry.parse_traceparent(telemetry.child_traceparent(PARENT))
    assert child is not None
    assert child.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert child.span_id != "b7ad6b7169203331"
    assert child.flags == "01"


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        PARENT + "-more",
    ],
)
def test_an_invalid_parent_is_ignored_and_a_trace_is_started(bad: str | None) -> None:
    assert telemetry.parse_traceparent(bad) is None
    assert telemetry.parse_traceparent(telemetry.child_traceparent(bad)) is not None


def test_a_later_version_of_the_standard_is_understood() -> None:
    assert telemetry.parse_traceparent("01" + PARENT[2:] + "-more") is not None


@given(st.text())
def test_no_header_can_break_it(header: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", telemetry.correlation_id_of(header))


def test_what_is_written_while_handling_carries_the_trace() -> None:
    with telemetry.tracing(PARENT) as here:
        assert telemetry.current_traceparent() == here
        with telemetry.tracing(here) as deeper:
            assert telemetry.current_traceparent() == deeper != here
        assert telemetry.current_traceparent() == here
    assert telemetry.current_traceparent() != here


def test_a_trace_does_not_leak_into_another_thread() -> None:
    with telemetry.tracing(PARENT), ThreadPoolExecutor(1) as threads:
        elsewhere = threads.submit(telemetry.current_traceparent).result()
        assert telemetry.correlation_id_of(elsewhere) != telemetry.correlation_id_of(PARENT)


def test_a_metric_asked_for_twice_is_one_metric() -> None:
    first = telemetry.counter("gemba_test_things_total", "Things.", ("kind",))
    again = telemetry.counter("gemba_test_things_total", "Things.", ("kind",))
    first.labels("a").inc()
    again.labels("a").inc()
    assert b'gemba_test_things_total{kind="a"} 2.0' in telemetry.metrics_text()


def test_one_name_is_not_two_kinds_of_metric() -> None:
    telemetry.gauge("gemba_test_level", "Level.")
    with pytest.raises(TypeError, match="gemba_test_level is a Gauge"):
        telemetry.counter("gemba_test_level", "Level.")


def test_who_follows_a_trace_is_one_span_of_it_for_as_long_as_it_lasts() -> None:
    with telemetry.following(PARENT):
        here = telemetry.current_traceparent()
        assert telemetry.current_traceparent() == here
        assert telemetry.correlation_id_of(here) == telemetry.correlation_id_of(PARENT)
        assert here != PARENT
    assert telemetry.current_traceparent() != here
