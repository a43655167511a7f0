"""`python -m shared.contracts.publish [--check]`: the contracts as files that others read, and that a diff shows.

Written are one JSON Schema per type and version (`schemas/<topic>/<Type>.v<N>.json`) and the AsyncAPI document
(`docs/reference/asyncapi.json`). `--check` writes nothing and fails when a file is not what the models say.
Both refuse a model that is not compatible with its committed schema; `--before-release` lets it through, for
types that no installation has on its log yet.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.contracts import asyncapi, models
from shared.contracts.compatibility import incompatibilities
from shared.contracts.registry import Contract

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = Path(__file__).parent / "schemas"
ASYNCAPI = ROOT / "docs" / "reference" / "asyncapi.json"


def schema_path(model: type[Contract]) -> Path:
    """Where the schema of a contract is kept."""
    folder = model.topic.replace("*.", "")
    return SCHEMAS / folder / f"{model.type.removeprefix('gemba.')}.json"


def schema_of(model: type[Contract]) -> dict[str, Any]:
    """The JSON Schema of a contract's body."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:gemba:contract:{model.type}",
        **model.model_json_schema(),
    }


def files() -> dict[Path, str]:
    """Every generated file and what is to stand in it."""
    wanted = {schema_path(model): text_of(schema_of(model)) for model in models()}
    wanted[ASYNCAPI] = text_of(asyncapi.document())
    return wanted


def text_of(document: Mapping[str, Any]) -> str:
    """JSON as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def broken_promises() -> list[str]:
    """Where today's models break with the committed schemas."""
    today = {schema_path(model): schema_of(model) for model in models()}
    found = []
    for path in sorted(SCHEMAS.rglob("*.json")):
        released = json.loads(path.read_text(encoding="utf-8"))
        name = f"{path.parent.name}/{path.stem}"
        if path not in today:
            found.append(f"{name}: is gone; records of it are on the log for ever")
        else:
            found += [f"{name}: {what}" for what in incompatibilities(released, today[path])]
    return found


def drift() -> list[Path]:
    """Files that are not what the models say."""
    return [path for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def publish() -> list[Path]:
    """Write what drifted; returns what was written. A schema without a model (allowed before a release) is removed."""
    written = drift()
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files()[path], encoding="utf-8")
    for path in set(SCHEMAS.rglob("*.json")) - set(files()):
        path.unlink()
        written.append(path)
    return written


def main(arguments: list[str]) -> int:
    """The command line; returns the exit code."""
    broken = broken_promises()
    if broken and "--before-release" not in arguments:
        lines = "\n".join(f"  {line}" for line in broken)
        sys.stderr.write(f"Not compatible with the committed schemas; publish a new version beside them:\n{lines}\n")
        return 1
    if "--check" in arguments:
        stale = drift()
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not what the contracts say; run shared.contracts.publish\n")
        return 1 if stale else 0
    for path in publish():
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
