"""Whether a contract may replace the released one of the same type and version: it may only have grown.

Readers of the released version must understand what today's publishers write, and today's readers what was
ever written. A change that is refused here is a new version of the type, published beside the old one.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def incompatibilities(released: Schema, current: Schema) -> list[str]:
    """What would break somebody, in words; empty when `current` may be published in place of `released`."""
    return _compare(released, current, released, current, "")


def _compare(old: Schema, new: Schema, old_root: Schema, new_root: Schema, where: str) -> list[str]:
    old, new = _resolve(old, old_root), _resolve(new, new_root)
    if old.get("type") == "object" and "properties" in old and new.get("type") == "object":
        return _compare_objects(old, new, old_root, new_root, where)
    if old.get("type") == "array" and new.get("type") == "array":
        return _compare(old.get("items", {}), new.get("items", {}), old_root, new_root, f"{where}[]")
    if "enum" in old and "enum" in new:
        gone = [value for value in old["enum"] if value not in new["enum"]]
        return [f"{where}: the value {value!r} is gone" for value in gone]
    if "anyOf" in old and "anyOf" in new:
        return _compare_alternatives(old, new, old_root, new_root, where)
    if _kind(old) != _kind(new):
        return [f"{where}: was {_kind(old)}, is {_kind(new)}"]
    return []


def _compare_objects(old: Schema, new: Schema, old_root: Schema, new_root: Schema, where: str) -> list[str]:
    found = []
    was, now = old["properties"], new.get("properties", {})
    required_before, required = set(old.get("required", ())), set(new.get("required", ()))
    for name, schema in was.items():
        place = f"{where}.{name}" if where else name
        if name not in now:
            found.append(f"{place}: is gone, or has another name")
            continue
        if name in required_before and name not in required:
            found.append(f"{place}: was always there, and readers rely on it")
        found += _compare(schema, now[name], old_root, new_root, place)
    found += [f"{where}{'.' if where else ''}{name}: is new and required" for name in sorted(required - set(was))]
    found += [
        f"{where}{'.' if where else ''}{name}: is required now, and older records lack it"
        for name in sorted((required - required_before) & set(was))
    ]
    return found


def _compare_alternatives(old: Schema, new: Schema, old_root: Schema, new_root: Schema, where: str) -> list[str]:
    kinds_before = {_kind(_resolve(each, old_root)) for each in old["anyOf"]}
    kinds = {_kind(_resolve(each, new_root)) for each in new["anyOf"]}
    return [] if kinds_before == kinds else [f"{where}: was {sorted(kinds_before)}, is {sorted(kinds)}"]


def _resolve(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None and len(schema.get("allOf", ())) == 1:
        reference = schema["allOf"][0].get("$ref")
    if reference is None:
        return schema
    found: Schema = root["$defs"][reference.removeprefix("#/$defs/")]
    return found


def _kind(schema: Schema) -> str:
    if "anyOf" in schema:
        return "one of several"
    kind = str(schema.get("type", "anything"))
    return f"{kind} ({schema['format']})" if "format" in schema else kind
