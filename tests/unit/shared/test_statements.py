"""What a statement may leave on the connection it ran on: nothing. The pool hands connections on as they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LEAVES_SOMETHING = re.compile(
    r"""
      (^|;)\s*set\s+(?!local\b|constraints\b)(session\b|role\b|time\s+zone\b|[\w.]+\s*(=|\bto\b))
    | (^|;)\s*(reset|discard|listen|prepare)\s+\w+\s*($|;|\(|as\b)
    | \bpg_(try_)?advisory_lock(_shared)?\s*\(
    | \bset_config\s*\((?:[^()]|\([^()]*\))*,\s*(false|[^,()\s]+(?<!true))\s*\)
    | \bwith\s+hold\b
    | \bcreate\s+(local\s+|global\s+)?temp(orary)?\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def statements() -> Iterator[tuple[str, str]]:
    """Every text of the running code that could be SQL, with where it stands."""
    for folder in ("shared", "services"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" in file.parts:
                continue  # they run on a connection of their own, once
            tree = ast.parse(file.read_text(encoding="utf-8"))
            docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", node.value


def test_no_statement_of_ours_leaves_anything_on_its_connection() -> None:
    seen = list(statements())
    assert any("set_config(" in text for _, text in seen), "the scan reads the statements"
    assert [where for where, text in seen if LEAVES_SOMETHING.search(text)] == []


@pytest.mark.parametrize(
    ("statement", "leaves"),
    [
        ("set lock_timeout = '1s'", True),
        ("select 1; SET ROLE somebody", True),
        ("select set_config('gemba.country', $1, false)", True),
        ("select set_config('gemba.country', coalesce($1, ''), $2)", True),
        ("select pg_advisory_lock(1)", True),
        ("select pg_try_advisory_lock(1)", True),
        ("listen outbox", True),
        ("prepare p as select 1", True),
        ("set session characteristics as transaction read only", True),
        ("declare c cursor with hold for select 1", True),
        ("create temp table t (a integer)", True),
        ("set local lock_timeout = '1s'", False),
        ("set constraints all immediate", False),
        ("select set_config('synchronous_commit', 'off', true)", False),
        ("select pg_advisory_xact_lock(1)", False),
        ("update things set reason = $1", False),
    ],
)
def test_what_would_stay_is_told_from_what_ends_with_its_transaction(statement: str, leaves: bool) -> None:
    assert bool(LEAVES_SOMETHING.search(statement)) is leaves
