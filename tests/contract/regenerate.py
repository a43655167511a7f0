"""`python -m tests.contract.regenerate [--before-release]`: everything that is generated from the code, in one go.

JSON Schemas, AsyncAPI, the OpenAPI document of each service, and corpus records for fields that are new. It refuses a
contract that breaks with its committed schema; `--before-release` starts schemas and corpus anew.
"""

from __future__ import annotations

import sys

from shared.contracts import publish
from tests.contract import golden, openapi


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if code := publish.main(arguments):
        return code
    records = golden.files(anew="--before-release" in arguments)
    for path in set(golden.CORPUS.glob("*.json")) - set(records):
        if "--before-release" in arguments:
            path.unlink()
    for path, text in (records | openapi.files()).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(publish.ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
