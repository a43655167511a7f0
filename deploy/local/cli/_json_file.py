"""A JSON file that a command was given, or what is wrong with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deploy.local.problem import Problem

if TYPE_CHECKING:
    from pathlib import Path


class NoSuchFile(Problem):
    """There is nothing to read."""

    exit_code = 3


def read_json(file: Path) -> Any:
    """What it holds. Raises `NoSuchFile`, or `Problem` with the line and column that is not JSON."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoSuchFile(f"There is no file {file}.") from None
    except (OSError, UnicodeDecodeError) as wrong:
        raise Problem(f"{file} cannot be read: {wrong}.") from None
    except json.JSONDecodeError as wrong:
        raise Problem(f"{file} is not JSON: line {wrong.lineno}, column {wrong.colno}: {wrong.msg}.") from None
