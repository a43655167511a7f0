"""The HTTP interface of each service as its application describes it, made without starting anything."""

from __future__ import annotations

import importlib
import json
import tempfile
from pathlib import Path
from typing import Any

from shared.contracts.publish import ROOT, text_of
from shared.kafka.topics import SERVICES

REFERENCE = ROOT / "docs" / "reference"


def path_of(service: str) -> Path:
    """Where the document of a service is committed."""
    return REFERENCE / f"openapi-{service}.json"


def document_of(service: str) -> dict[str, Any]:
    """Build the application with settings that reach nothing, and ask it. Machine names do not get into it."""
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
        document: dict[str, Any] = main_module.create_app(settings).openapi()
    return document


def files() -> dict[Path, str]:
    """Every document and what is to stand in it."""
    return {path_of(service): text_of(document_of(service)) for service in SERVICES}


def operations(service: str) -> list[tuple[str, str]]:
    """Method and path of everything a service answers to."""
    document = json.loads(path_of(service).read_text(encoding="utf-8"))
    return [(method, path) for path, methods in document["paths"].items() for method in methods]
