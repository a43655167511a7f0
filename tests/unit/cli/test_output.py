"""What is printed fits the reader: a program, a pipe, a wide or a narrow terminal, any locale; and steers none."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from deploy.local.client.output import Column, Output, local, plain

ROWS: list[dict[str, Any]] = [
    {"id": "0198c3a0-7c1e-7000-8000-000000000001", "name": "Rahima Akter", "note": "wants the report by Thursday"},
    {"id": "0198c3a0-7c1e-7000-8000-000000000002", "name": "Nguyễn Thị Hoa", "note": "工場 " * 20},
]
COLUMNS = [Column("ID", "id"), Column("NAME", "name", wraps=True), Column("NOTE", "note", wraps=True)]


def printed(width: int | None, rows: list[dict[str, Any]] = ROWS) -> list[str]:
    out = io.StringIO()
    Output(as_json=False, out=out, width=width).table(rows, COLUMNS)
    return out.getvalue().splitlines()


def test_a_pipe_gets_one_line_for_each_row_and_nothing_cut_off() -> None:
    lines = printed(None)
    assert len(lines) == 3
    assert lines[2].endswith("工場")
    assert not any(line != line.rstrip() for line in lines)


@pytest.mark.parametrize("width", [100, 80, 40, 20])
def test_a_terminal_gets_everything_within_its_width(width: int) -> None:
    from rich.cells import cell_len

    lines = printed(width)
    if width >= 80:
        assert max(map(cell_len, lines)) <= width
        assert lines[0].split() == ["ID", "NAME", "NOTE"]
    else:
        assert lines[0] == "id    0198c3a0-7c1e-7000-8000-000000000001", "too narrow for columns: a block for each row"
    assert "0198c3a0-7c1e-7000-8000-000000000002" in "\n".join(lines)


def test_no_name_steers_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp\r\nfake line\x00"
    for shown in (printed(None, [{"id": "1", "name": evil, "note": evil}]), printed(20, [{"id": "1", "name": evil}])):
        assert len(shown) <= 3
        assert not any(character in "".join(shown) for character in "\x1b\x07\x9b\u202e\r\x00")
    out = io.StringIO()
    Output(as_json=False, out=out).line(evil)
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_locale_without_the_letters_costs_letters_and_not_the_command(encoding: str) -> None:
    raw = io.BytesIO()
    out = Output(as_json=False, out=io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    out.table(ROWS, COLUMNS)
    out.record([("Name", "Nguyễn")])
    assert b"0198c3a0" in raw.getvalue()

    raw = io.BytesIO()
    wrapped = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    Output(as_json=True, out=wrapped).document({"items": ROWS})
    assert json.loads(raw.getvalue().decode(encoding)) == {"items": ROWS}, "a program loses nothing"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        (True, "yes"),
        (0, "0"),
        ("2026-03-31T09:00:00Z", "2026-03-31 09:00Z"),
        ("2026-03-31T09:00:00.123456+00:00", "2026-03-31 09:00Z"),
        ("2026-03-31", "2026-03-31"),
        (["a", "b"], "a, b"),
        ({"id": "7", "key": "BD-T01", "name": "Rahima"}, "Rahima"),
        ({"id": "7", "name": None}, "7"),
        ({"visits": 6, "reported": 2}, "visits 6, reported 2"),
    ],
)
def test_values_as_people_read_them(value: object, shown: str) -> None:
    assert plain(value) == shown


def test_a_visit_is_told_by_the_clock_of_its_place() -> None:
    assert local("2026-03-31T03:00:00Z", "Asia/Dhaka") == "2026-03-31 09:00+0600"
    assert local("2026-03-31T03:00:00Z", "Nowhere/At_All") == "2026-03-31 03:00Z"
    assert local(None, "Asia/Dhaka") == "-"
