"""The golden corpus: realistic records of every contract ever released. Every one of them must stay readable.

A file holds the records of one type and version, oldest first. A record is never changed and never taken out; when a
contract has grown, `python -m tests.contract.regenerate` adds one that has the new fields.
"""

from __future__ import annotations

import json
import uuid
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from shared.contracts import models
from shared.contracts.publish import text_of
from shared.contracts.registry import Contract

CORPUS = Path(__file__).parent / "corpus"

_NAMESPACE = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
_TEXT = {
    "address": "+8801700000000", "answer": "accept", "cause": "no_acknowledgement", "code": "no_channel",
    "codes": "no_qualified_trainer", "countries": "BD", "country": "BD", "delivery_plan": "standard",
    "enterprise_keys": "dhaka-knit-01", "field": "enterprise_keys", "group": "notifications.general", "key_name": "dhaka-knit-01",
    "language": "en", "languages": "bn", "manager_languages": "en", "module": "SCORE-1", "name": "Amina Rahman",
    "outcome": "resolved", "pack": "score-default", "provider": "smtp", "read_topic": "gemba.visit",
    "reason": "not_available", "region": "Dhaka", "stage": "baseline", "template": "visit_offered",
    "trainer_keys": "amina", "verification": "desk", "worker_languages": "bn", "zone": "Asia/Dhaka",
}  # fmt: skip
_NUMBERS = {"version": 3, "latitude": 23.8103, "longitude": 90.4125, "working_weekdays": 7, "item": 4, "offset": 1042}


def path_of(model: type[Contract]) -> Path:
    """Where the records of a contract are kept."""
    return CORPUS / f"{model.type}.json"


def records_of(model: type[Contract]) -> list[dict[str, Any]]:
    """What is committed; empty for a contract that is new."""
    path = path_of(model)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def realistic(model: type[BaseModel], path: str = "") -> dict[str, Any]:
    """A record with every field filled, as it travels; equal for equal models."""
    return {
        name: _value(name, field.annotation, f"{path}{model.__name__}.{name}")
        for name, field in model.model_fields.items()
    }


def _value(name: str, kind: Any, path: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _value(name, next(each for each in get_args(kind) if each is not NoneType), path)
    if origin is tuple:
        return [_value(name, get_args(kind)[0], path)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return realistic(kind, path)
    simple = {
        "UUID": str(uuid.uuid5(_NAMESPACE, path)),
        "datetime": "2026-03-02T06:00:00Z",
        "date": "2026-03-02",
        "bool": True,
        "int": _NUMBERS.get(name, 1),
        "float": _NUMBERS.get(name, 1.5),
    }
    if kind is str:
        if name not in _TEXT:
            raise KeyError(f"{path}: say in tests/contract/golden.py what a realistic {name!r} is.")
        return _TEXT[name]
    return simple[kind.__name__]


def files(*, anew: bool = False) -> dict[Path, str]:
    """Every corpus file as it should be: a record for today's fields behind those of earlier days (or alone: `anew`)."""
    wanted = {}
    for model in models():
        records = [] if anew else records_of(model)
        today = realistic(model)
        if not any(set(record) == set(today) for record in records):
            records = [*records, today]
        wanted[path_of(model)] = text_of(records)  # type: ignore[arg-type]
    return wanted
