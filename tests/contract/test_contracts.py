"""Contracts only grow: what is committed is what the models say, and everything ever released stays readable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from shared.contracts import Fact, State, model_for, models, publish
from shared.contracts.compatibility import incompatibilities
from shared.contracts.registry import Contract
from shared.kafka.envelope import Envelope, read_body
from tests.contract import golden
from tests.contract.golden import realistic

ALL = [pytest.param(model, id=model.type) for model in models()]
RECORDS = [
    pytest.param(path, record, id=f"{path.stem}-{number}")
    for path in sorted(golden.CORPUS.glob("*.json"))
    for number, record in enumerate(json.loads(path.read_text(encoding="utf-8")))
]


def test_the_committed_schemas_and_the_asyncapi_document_are_what_the_models_say() -> None:
    assert [str(path.relative_to(publish.ROOT)) for path in publish.drift()] == [], "run tests.contract.regenerate"


def test_no_model_breaks_with_its_committed_schema() -> None:
    assert publish.broken_promises() == []


@pytest.mark.parametrize("model", ALL)
def test_every_contract_has_a_golden_record_with_every_field_of_today(model: type[Contract]) -> None:
    assert any(set(record) == set(model.model_fields) for record in golden.records_of(model)), (
        "run tests.contract.regenerate"
    )


@pytest.mark.parametrize(("path", "record"), RECORDS)
def test_every_record_ever_released_is_read_by_todays_models(path: Path, record: dict[str, Any]) -> None:
    model = model_for(path.stem)
    assert model is not None, f"{path.stem} was released and is gone"
    body = model.model_validate_json(json.dumps(record))
    topic = "gemba.visit.notifications.general.dlq" if model.topic == "*.dlq" else model.topic
    if model.topic != "*.dlq":
        envelope = Envelope(body.key, "/x", model.type, None, body.key, 1, "")  # type: ignore[arg-type]
        assert read_body(envelope, topic, json.dumps(record).encode()) == body
    jsonschema.validate(record, publish.schema_of(model))


@pytest.mark.parametrize("model", ALL)
def test_what_a_publisher_writes_is_what_its_schema_says(model: type[Contract]) -> None:
    written = json.loads(model.model_validate(realistic(model)).model_dump_json())
    jsonschema.validate(written, publish.schema_of(model), format_checker=jsonschema.FormatChecker())


OLD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "count": {"type": "integer"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "kinds": {"type": "array", "items": {"$ref": "#/$defs/Kind"}},
    },
    "required": ["id", "count"],
    "$defs": {"Kind": {"type": "string", "enum": ["a", "b"]}},
}


def changed(**properties: Any) -> dict[str, Any]:
    """The schema with other properties (None takes one away)."""
    merged = OLD["properties"] | properties
    return OLD | {"properties": {name: schema for name, schema in merged.items() if schema is not None}}


@pytest.mark.parametrize(
    "grown",
    [
        OLD,
        changed(colour={"type": "string"}),
        OLD | {"title": "another", "description": "words"},
        OLD | {"$defs": {"Kind": {"type": "string", "enum": ["b", "a", "c"]}}},
    ],
    ids=["the same", "an optional field", "words", "a further value"],
)
def test_growing_is_compatible(grown: dict[str, Any]) -> None:
    assert incompatibilities(OLD, grown) == []


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (changed(count=None) | {"required": ["id"]}, "count: is gone"),
        (changed(count={"type": "string"}), "count: was integer, is string"),
        (changed(id={"type": "string"}), "id: was string (uuid), is string"),
        (changed(colour={"type": "string"}) | {"required": ["id", "count", "colour"]}, "colour: is new and required"),
        (OLD | {"required": ["id"]}, "count: was always there"),
        (OLD | {"required": ["id", "count", "note"]}, "note: is required now"),
        (changed(note={"type": "string"}), "note: was one of several, is string"),
        (changed(kinds={"type": "array", "items": {"type": "integer"}}), "kinds[]: was string, is integer"),
        (OLD | {"$defs": {"Kind": {"type": "string", "enum": ["a"]}}}, "kinds[]: the value 'b' is gone"),
    ],
)
def test_anything_else_is_a_new_version(broken: dict[str, Any], said: str) -> None:
    (found,) = incompatibilities(OLD, broken)
    assert found.startswith(said)


def test_a_type_that_was_taken_away_is_a_broken_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = models()[1:]
    monkeypatch.setattr(publish, "models", lambda: kept)
    (broken,) = publish.broken_promises()
    assert "is gone; records of it are on the log for ever" in broken


def test_drift_is_noticed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(publish, "schema_of", lambda _: {"type": "object", "properties": {}})
    monkeypatch.setattr(publish, "broken_promises", list)
    assert publish.main(["--check"]) == 1
    assert "is not what the contracts say" in capsys.readouterr().err


CODES = {
    "answer", "cause", "code", "codes", "country", "delivery_plan", "field", "module", "outcome", "pack", "provider",
    "reason", "stage", "template", "verification", "zone",
}  # fmt: skip
"""Fields of text that hold a code out of a list or a name out of a catalogue: never what somebody typed."""


def texts_of(model: type[BaseModel]) -> set[str]:
    """Names of fields that could hold anything at all."""
    schema = model.model_json_schema()
    found = set()
    for owner in (schema, *schema.get("$defs", {}).values()):
        for name, field in owner.get("properties", {}).items():
            kinds = [
                field,
                field.get("items", {}),
                *field.get("anyOf", ()),
                *[a.get("items", {}) for a in field.get("anyOf", ())],
            ]
            if any(kind.get("type") == "object" or kind.get("type") == "number" for kind in kinds):
                found.add(name)
            if any(kind.get("type") == "string" and "format" not in kind and "enum" not in kind for kind in kinds):
                found.add(name)
    return found


@pytest.mark.parametrize("model", [each for each in ALL if issubclass(each.values[0], Fact)])  # type: ignore[arg-type]
def test_facts_hold_ids_dates_states_and_codes_only(model: type[Fact]) -> None:
    """No name, no contact point, no place, no free text: a fact is kept for ever and read by everybody."""
    allowed = CODES | ({"group", "read_topic"} if model.type == "gemba.Quarantined.v1" else set())
    assert texts_of(model) <= allowed


@pytest.mark.parametrize("model", [each for each in ALL if issubclass(each.values[0], State)])  # type: ignore[arg-type]
def test_personal_data_travels_on_compacted_topics_alone(model: type[State]) -> None:
    from shared.kafka.topics import BY_NAME

    assert BY_NAME[model.topic].config["cleanup.policy"] == "compact"
    assert "max.compaction.lag.ms" in BY_NAME[model.topic].config
