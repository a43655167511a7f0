"""CloudEvents in Kafka's binary mode: what was written is read, and what is wrong is named without quoting the body."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.visit import VisitDeclined
from shared.ids import new_id
from shared.kafka.envelope import Envelope, Head, Poison, read_body, read_envelope, read_head
from shared.telemetry import new_traceparent

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SUBJECT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def envelope(**changes: object) -> Envelope:
    values = {
        "event_id": new_id(),
        "source": "/gemba/here/1/visits",
        "type": VisitDeclined.type,
        "time": NOON,
        "subject": SUBJECT,
        "version": 3,
        "traceparent": new_traceparent(),
    }
    return Envelope(**(values | changes))  # type: ignore[arg-type]


def test_what_was_written_is_read() -> None:
    written = envelope()
    assert read_envelope(written.headers(), str(SUBJECT).encode()) == written


def test_the_attributes_are_those_of_the_specification() -> None:
    names = [name for name, _ in envelope().headers()]
    assert names == [
        "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_version", "traceparent",
        "content-type",
    ]  # fmt: skip


@given(
    headers=st.lists(st.tuples(st.sampled_from(["ce_id", "ce_version", "ce_subject", "x"]), st.none() | st.binary())),
    key=st.none() | st.binary(),
)
def test_the_head_of_any_record_is_read_without_raising(
    headers: list[tuple[str, bytes | None]], key: bytes | None
) -> None:
    head = read_head(headers, key)
    assert head.version is None or 0 < head.version < 2**63


def test_the_head_of_an_unreadable_record_says_where_its_place_is() -> None:
    broken = [*envelope().headers(), ("x", b"\xff"), ("y", None)]
    assert read_head(broken, str(SUBJECT).encode()) == Head(SUBJECT, 3, read_head(broken, None).event_id)
    with pytest.raises(Poison):
        read_envelope(broken, str(SUBJECT).encode())


def test_a_reason_never_quotes_the_body() -> None:
    with pytest.raises(Poison) as poison:
        read_body(envelope(), "gemba.visit", b'{"visit_id": "Amina Rahman, Dhaka"}')
    assert "Amina" not in poison.value.reason
    assert "visit_id" in poison.value.reason


def test_a_field_that_this_version_does_not_know_is_ignored() -> None:
    """A newer publisher does not break an older reader."""
    fact = VisitDeclined(visit_id=SUBJECT, offer=1, country="BD", trainer_id=new_id(), reason="ill")
    value = fact.model_dump_json()[:-1] + ', "of_tomorrow": 1}'
    assert read_body(envelope(), "gemba.visit", value.encode()) == fact


def test_a_traceparent_that_is_none_is_left_out() -> None:
    read = read_envelope(envelope(traceparent="00-nonsense").headers(), str(SUBJECT).encode())
    assert read.traceparent == ""


def test_a_tombstone_is_for_state_topics() -> None:
    assert read_body(envelope(type=""), "gemba.person", None) is None
    with pytest.raises(Poison, match="null value"):
        read_body(envelope(), "gemba.visit", None)


@pytest.mark.parametrize("version", ["0", "-1", "1.5", "", "one", str(2**63), "9" * 30])
def test_a_version_that_no_watermark_can_hold_is_poison(version: str) -> None:
    headers = [(name, version.encode() if name == "ce_version" else value) for name, value in envelope().headers()]
    with pytest.raises(Poison, match="ce_version"):
        read_envelope(headers, str(SUBJECT).encode())
