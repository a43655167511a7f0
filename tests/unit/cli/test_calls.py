"""What the command line asks for, the services have: methods, paths, parameters and fields."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from deploy.local.client import calls
from deploy.local.client.calls import SERVICES, Call

OPERATIONS = "/api/operations/"


def all_calls() -> list[Call]:
    found: list[Call] = []
    for value in vars(calls).values():
        if isinstance(value, Call):
            found.append(value)
        elif isinstance(value, dict):
            found += [one for one in value.values() if isinstance(one, Call)]
    return found


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Each service's own OpenAPI document."""
    given = {
        "database_url": "postgresql://nobody@127.0.0.1:9/none",
        "kafka_bootstrap": "127.0.0.1:9",
        "kafka_user": "none",
        "kafka_password": "none",
        "http_port": 9,
        "origin": "http://localhost:9",
        "keys_dir": tmp_path_factory.mktemp("keys"),
        "profile": "test",
    }
    documents = {}
    for service in SERVICES:
        settings = importlib.import_module(f"services.{service}.settings").Settings(**given)
        documents[service] = importlib.import_module(f"services.{service}.main").create_app(settings).openapi()
    return documents


@pytest.mark.parametrize("call", all_calls(), ids=lambda call: f"{call.method} {call.path}")
def test_every_call_has_a_route_that_takes_it(call: Call, described: dict[str, dict[str, Any]]) -> None:
    document = described[call.path.split("/")[1]]
    operation = document["paths"].get(call.path, {}).get(call.method.lower())
    assert operation, f"known are {[path for path in document['paths'] if call.path.split('/')[3] in path]}"
    params = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
    assert set(call.params) <= params, "a parameter that is not known would be passed over without a word"
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if call.fields:
        schema = _resolve(document, body)
        assert set(call.fields) <= set(schema["properties"])
        assert set(schema.get("required", [])) <= set(call.fields)


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The object that a body may be, through references and `… | None`."""
    for one in schema.get("anyOf", [schema]):
        if "$ref" in one:
            found: dict[str, Any] = document["components"]["schemas"][one["$ref"].rpartition("/")[2]]
            return found
    return schema


def test_a_workbook_that_is_sent_is_one_that_a_service_takes() -> None:
    from deploy.local.client.importing import MOST_BYTES
    from shared.workbook.archive import MAX_FILE_BYTES

    assert MOST_BYTES == MAX_FILE_BYTES


def test_no_command_sends_a_parameter_that_is_not_in_the_table() -> None:
    """The table is only worth something if nothing goes past it."""
    folder = Path(calls.__file__).parent
    for file in [*folder.glob("*.py"), *(folder.parent / "cli").glob("*.py")]:
        if file.name not in {"calls.py", "app.py"}:
            assert "/api/" not in file.read_text("utf-8"), file.name
