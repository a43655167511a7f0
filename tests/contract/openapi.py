"""The HTTP interface of each service as its application describes it, made without starting anything."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.contracts.publish import ROOT, text_of
from shared.kafka.topics import SERVICES

REFERENCE = ROOT / "docs" / "reference"


def path_of(service: str) -> Path:
    """Where the document of a service is committed."""
    return REFERENCE / f"openapi-{service}.json"


def application_of(service: str) -> FastAPI:
    """The application with settings that reach nothing, so that none of a machine's get into it."""
    settings_module = importlib.import_module(f"services.{service}.settings")
    main_module = importlib.import_module(f"services.{service}.main")
    with tempfile.TemporaryDirectory() as keys:
        settings = settings_module.Settings(
            database_url="postgresql://nobody@localhost:1/none",
            kafka_bootstrap="localhost:1",
            kafka_user=service,
            kafka_password="none",
            http_port=1,
            origin="https://gemba.example",
            keys_dir=Path(keys),
            profile="production",
        )
        made: FastAPI = main_module.create_app(settings)
    return made


def document_of(service: str) -> dict[str, Any]:
    """What the application says of itself."""
    return application_of(service).openapi()


def files() -> dict[Path, str]:
    """Every document and what is to stand in it."""
    return {path_of(service): text_of(document_of(service)) for service in SERVICES}


def operations(service: str) -> list[tuple[str, str]]:
    """Method and path of everything a service answers to."""
    document = json.loads(path_of(service).read_text(encoding="utf-8"))
    return [(method, path) for path, methods in document["paths"].items() for method in methods]


def routes_of(service: str) -> list[APIRoute]:
    """Every route of a service, pages and health among them."""
    return list(_below(application_of(service).routes))


def _below(routes: Iterable[Any]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif included := getattr(route, "original_router", None):
            yield from _below(included.routes)


def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """What is called to answer: the route's own function and all that it depends on."""
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from calls_of(inner)
