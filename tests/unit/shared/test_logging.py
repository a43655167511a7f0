"""No line holds a body, a contact point or a credential, and no line holds what belongs to another."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pydantic import BaseModel

from shared.crypto import SealedText
from shared.logging import MAX_VALUE_LENGTH, bind_for, configure, get_logger


class Output:
    """The lines written so far."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        return self.lines[-1]


@pytest.fixture
def output() -> Iterator[Output]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    output = Output()
    configure("visits", "INFO", replica="2", stream=output.stream)
    try:
        yield output
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()


def test_a_line_says_what_who_and_when(output: Output) -> None:
    get_logger("x.y").info("report submitted", visit_id="v1", count=3)
    line = output.last
    assert line["event"] == "report submitted"
    assert (line["service"], line["replica"], line["logger"]) == ("visits", "2", "x.y")
    assert (line["level"], line["visit_id"], line["count"]) == ("info", "v1", 3)
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("logger", ["uvicorn.error", "faststream", "aiokafka", "apscheduler", "x"])
def test_lines_of_libraries_have_the_same_form(output: Output, logger: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger=logger)  # a scenario in the same worker may have hushed it
    logging.getLogger(logger).warning("broker %s is gone", "k1", extra={"token": "t0psecret"})
    assert output.last["event"] == "broker k1 is gone"
    assert output.last["service"] == "visits"
    assert "t0psecret" not in output.text


def test_uvicorns_access_log_which_holds_the_query_is_off(output: Output) -> None:
    logging.getLogger("uvicorn.access").info("GET /visits/taps?token=abc")
    assert output.text == ""


@pytest.mark.parametrize(
    "name",
    ["text", "body", "token", "password", "address", "email", "phone", "Cookie", "AUTHORIZATION"],
)
def test_what_must_not_be_logged_is_dropped_at_any_depth(output: Output, name: str) -> None:
    get_logger("x").info("seen", **{name: "s3cret"}, kept={name: "s3cret", "also": [{name: "s3cret"}]})
    assert "s3cret" not in output.text
    assert output.last["kept"] == {"also": [{}]}


def test_bytes_and_sealed_text_are_not_shown(output: Output) -> None:
    get_logger("x").info("seen", raw=b"s3cret", sealed=SealedText("s3cret"))
    assert "s3cret" not in output.text
    assert output.last["raw"] == "<6 bytes>"


def test_long_values_are_cut(output: Output) -> None:
    get_logger("x").info("seen", value="a" * 50_000, nested={"value": ["b" * 50_000]})
    assert len(output.text) < 2 * MAX_VALUE_LENGTH + 500


def test_an_exception_is_type_first_line_and_places_without_values(output: Output) -> None:
    def fails(secret: str) -> None:
        message = "duplicate key\nDETAIL: Key (email)=(rina@example.org) already exists."
        raise RuntimeError(message) from ValueError(f"line one\n{secret}")

    try:
        fails("s3cret")
    except RuntimeError:
        get_logger("x").exception("not stored")
    shown = output.last["exception"]
    assert shown["type"] == "builtins.RuntimeError"
    assert shown["message"] == "duplicate key"
    assert shown["at"][-1].endswith(" fails")
    assert shown["cause"]["message"] == "line one"
    assert "rina" not in output.text
    assert "s3cret" not in output.text


def test_a_validation_error_names_fields_but_not_what_was_sent(output: Output) -> None:
    class Report(BaseModel):
        count: int

    try:
        Report.model_validate({"count": "s3cret"})
    except ValueError:
        logging.getLogger("library").exception("bad input")
    assert "count" in output.last["exception"]["message"]
    assert "s3cret" not in output.text


def test_context_of_one_message_is_not_on_the_next(output: Output) -> None:
    structlog.contextvars.bind_contextvars(left_over="from before")
    with bind_for(event_id="e1"):
        get_logger("x").info("one")
    with bind_for(correlation_id="c2"):
        get_logger("x").info("two")
    get_logger("x").info("after")
    one, two, after = output.lines
    assert (one.get("event_id"), one.get("left_over")) == ("e1", None)
    assert (two.get("correlation_id"), two.get("event_id")) == ("c2", None)
    assert (after.get("left_over"), after.get("correlation_id")) == ("from before", None)


def test_context_is_put_back_when_the_work_raises(output: Output) -> None:
    with pytest.raises(ZeroDivisionError), bind_for(event_id="e1"):
        raise ZeroDivisionError
    get_logger("x").info("after")
    assert "event_id" not in output.last


def test_debug_lines_are_left_out_at_info(output: Output) -> None:
    get_logger("x").debug("no")
    logging.getLogger("y").debug("no")
    assert output.text == ""


def test_a_line_that_cannot_be_written_fails_nobodys_work(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, a reader that went away: a report is not refused because its line was lost."""

    def full(_line: str) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output.stream, "write", full)
    get_logger("x").info("not written")
    monkeypatch.undo()
    get_logger("x").info("written again")
    assert [line["event"] for line in output.lines] == ["written again"]


@pytest.mark.parametrize("method", ["debug", "info", "warning", "error", "exception", "critical"])
def test_every_level_is_written_under_its_name(output: Output, method: str) -> None:
    configure("visits", "DEBUG", stream=output.stream)
    getattr(get_logger("x"), method)("said")
    assert output.last["level"] == {"exception": "error"}.get(method, method)
