"""Instances and plans as JSON documents, both ways: `docs/reference/planner-instance.md`.

The fields are those of the types, so a document says no more and no less than an `Instance`. Days are `2027-01-31`, times
`08:30`, instants `2027-01-31T08:30`, all on the country's wall clock; durations are minutes; sets are lists. Whatever is
wrong is told with its path, and what would be right.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from services.scheduler.planner.instance import Instance
from services.scheduler.planner.plan import Plan
from services.scheduler.planner.travel import Matrix
from services.scheduler.planner.travel_table import matrix_document, matrix_of

INSTANCE_FORMAT, PLAN_FORMAT = "gemba-planner-instance/1", "gemba-planner-plan/1"
MOST_TRAINERS, MOST_JOBS = 2_000, 50_000
"""Above these a country is meant to be planned region by region: the tables are visits x trainers."""


class DocumentError(ValueError):
    """What is wrong in a document, where (`jobs[3].window.first`), and what would be right."""


def instance_of(document: object) -> Instance:
    """An instance from a parsed document. Raises `DocumentError`."""
    content = _formatted(document, INSTANCE_FORMAT)
    for name, most in (("trainers", MOST_TRAINERS), ("jobs", MOST_JOBS)):
        many = content.get(name)
        if isinstance(many, list) and len(many) > most:
            raise DocumentError(f"{name}: {len(many):,} of them, at most {most:,} are planned at once; split by region")
    try:
        made: Instance = _decode(Instance, content, "")
    except DocumentError:
        raise
    except ValueError as wrong:
        raise DocumentError(str(wrong)) from wrong
    return made


def plan_of(document: object) -> Plan:
    """A plan from a parsed document. Raises `DocumentError`."""
    made: Plan = _decode(Plan, _formatted(document, PLAN_FORMAT), "")
    return made


def instance_document(instance: Instance) -> dict[str, Any]:
    """The document of an instance; what is as usual is left out."""
    return {"format": INSTANCE_FORMAT, **_encode_fields(instance)}


def plan_document(plan: Plan) -> dict[str, Any]:
    """The document of a plan."""
    return {"format": PLAN_FORMAT, **_encode_fields(plan, whole=True)}


def _formatted(document: object, name: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise DocumentError(f"the document is {_kind(document)}; it is an object with the format {name!r}")
    if document.get("format") != name:
        raise DocumentError(f"format: {document.get('format')!r} is not {name!r}")
    return {key: value for key, value in document.items() if key != "format"}


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", NoneType: "null"}
    return names.get(type(value), "a number")


def _encode(value: object) -> object:
    if isinstance(value, Matrix):
        return matrix_document(value)
    if is_dataclass(value):
        return _encode_fields(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes" if not value.second else "auto")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="minutes" if not value.second else "auto")
    if isinstance(value, timedelta):
        minutes = value.total_seconds() / 60
        return int(minutes) if minutes.is_integer() else minutes
    if isinstance(value, frozenset):
        return sorted((_encode(v) for v in value), key=str)
    if isinstance(value, tuple):
        return [_encode(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): _encode(v) for k, v in sorted(value.items())}
    return str(value) if isinstance(value, StrEnum) else value


def _encode_fields(value: Any, *, whole: bool = False) -> dict[str, Any]:
    said = {}
    for field in fields(value):
        mine = getattr(value, field.name)
        usual = _usual(field)
        if whole or usual is MISSING or mine != usual:
            said[field.name] = _encode(mine)
    return said


def _usual(field: "Field[Any]") -> object:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else MISSING


def _decode(wanted: Any, value: object, path: str) -> Any:
    if wanted is Matrix:
        try:
            return matrix_of(value)
        except ValueError as wrong:
            raise DocumentError(f"{path}.{wrong}" if ": " in str(wrong) else f"{path}: {wrong}") from None
    if is_dataclass(wanted) and isinstance(wanted, type):
        return _decode_fields(wanted, value, path)
    origin, of = get_origin(wanted), get_args(wanted)
    if origin is UnionType:
        return None if value is None else _decode(next(a for a in of if a is not NoneType), value, path)
    if origin in (tuple, frozenset):
        if not isinstance(value, list):
            raise DocumentError(f"{path}: is {_kind(value)}, not a list")
        return origin(_decode(of[0], v, f"{path}[{n}]") for n, v in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, dict):
            raise DocumentError(f"{path}: is {_kind(value)}, not an object")
        return {key: _decode(of[1], v, f"{path}.{key}") for key, v in value.items()}
    return _decode_simple(wanted, value, path)


def _decode_simple(wanted: type[Any], value: object, path: str) -> Any:
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        if value not in set(wanted):
            raise DocumentError(f"{path}: {value!r} is not one of {', '.join(wanted)}")
        return wanted(str(value))
    if wanted in _WRITTEN:
        read, example = _WRITTEN[wanted]
        try:
            return read(str(value))
        except ValueError:
            raise DocumentError(f"{path}: {value!r} is not {example}") from None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is timedelta:
        if not is_number or float(str(value)) <= 0:
            raise DocumentError(f"{path}: {value!r} is not a duration; it is a number of minutes above 0")
        return timedelta(minutes=float(str(value)))
    if wanted is float and is_number:
        return float(str(value))
    if type(value) is not wanted:
        raise DocumentError(f"{path}: is {_kind(value)}, not {_kind(wanted())}")
    return value


def _naive(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError(text)
    return found


_WRITTEN: dict[type[Any], tuple[Callable[[str], Any], str]] = {
    date: (date.fromisoformat, "a day, such as 2027-01-31"),
    time: (time.fromisoformat, "a time, such as 08:30"),
    datetime: (_naive, "a wall time without a zone, such as 2027-01-31T08:30"),
}


def _decode_fields(wanted: type[Any], value: object, path: str) -> Any:
    if not isinstance(value, dict):
        raise DocumentError(f"{path}: is {_kind(value)}, not an object")
    known = {f.name: f for f in fields(wanted)}
    at = f"{path}." if path else ""
    named = f' (id "{value["id"]}")' if isinstance(value.get("id"), str) else ""
    for key in value:
        if key not in known:
            close = get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise DocumentError(f"{at}{key}: no such field{named}; {hint}")
    for name, field in known.items():
        if name not in value and _usual(field) is MISSING:
            raise DocumentError(f"{at}{name}: is missing{named}")
    types = get_type_hints(wanted)
    made = {key: _decode(types[key], v, f"{at}{key}") for key, v in value.items()}
    try:
        return wanted(**made)
    except DocumentError:
        raise
    except ValueError as wrong:
        raise DocumentError(f"{path}: {wrong}" if path else str(wrong)) from wrong
