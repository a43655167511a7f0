"""The committed AsyncAPI and OpenAPI documents: complete, consistent, and what the code says."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.contracts import asyncapi, models, publish
from shared.contracts.publish import text_of
from shared.kafka.topics import SERVICES, TOPICS
from tests.contract import openapi


def references(part: Any) -> list[str]:
    """Every reference into the document itself (those inside a payload are the payload's own)."""
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for name, each in part.items() if name != "schema" for found in references(each)]
    if isinstance(part, list):
        return [found for each in part for found in references(each)]
    return []


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi.document()
    found = references(document)
    assert len(found) > len(TOPICS)
    for reference in found:
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]


def test_every_topic_message_writer_and_reader_is_in_the_asyncapi_document() -> None:
    document = asyncapi.document()
    assert set(document["channels"]) == {topic.name for topic in TOPICS}
    assert set(document["components"]["messages"]) == {model.type for model in models()}
    carried = {name for channel in document["channels"].values() for name in channel["messages"]}
    assert carried == {model.type for model in models()}
    for topic in TOPICS:
        for writer in topic.writers:
            assert document["operations"][f"{writer}.sends.{topic.name}"]["action"] == "send"
        for group in topic.groups:
            assert document["operations"][f"{group}.receives.{topic.name}"]["action"] == "receive"
    assert "outside.sends.gemba.command" in document["operations"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_openapi_document_is_what_the_service_answers_to(service: str) -> None:
    committed = json.loads(openapi.path_of(service).read_text(encoding="utf-8"))
    made = json.loads(text_of(openapi.document_of(service)))
    assert committed["paths"].keys() == made["paths"].keys(), "run tests.contract.regenerate"
    assert committed == made, "run tests.contract.regenerate"


@pytest.mark.parametrize("service", SERVICES)
def test_no_machine_gets_into_an_openapi_document(service: str) -> None:
    text = openapi.path_of(service).read_text(encoding="utf-8")
    for mark in ("/root/", "/home/", "/tmp/", str(publish.ROOT)):
        assert mark not in text


@pytest.mark.parametrize("service", SERVICES)
def test_no_request_waits_for_a_thread(service: str) -> None:
    """A plain function among routes and dependencies is run in a thread: two switches for each, most under load."""
    routes = openapi.routes_of(service)
    assert len(routes) >= len(openapi.operations(service))
    called = {call for route in routes for call in openapi.calls_of(route.dependant)}
    assert [name_of(call) for call in called if not inspect.iscoroutinefunction(call)] == []


def name_of(call: Callable[..., object]) -> str:
    return f"{call.__module__}.{call.__qualname__}"
