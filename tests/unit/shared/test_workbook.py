"""Whatever is uploaded: a clear fault with sheet, row and column, or typed rows; never a crash."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from datetime import time as clock_time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook as NewWorkbook

from shared.errors import Rejected
from shared.workbook import (
    MAX_ERRORS,
    MAX_ROWS,
    ColumnSpec,
    RowError,
    SheetSpec,
    Workbook,
    read_workbook,
)

ENTERPRISES = SheetSpec(
    "enterprises",
    (
        ColumnSpec("code", required=True, max_length=20),
        ColumnSpec("name", required=True),
        ColumnSpec("country", "country"),
        ColumnSpec("since", "date"),
        ColumnSpec("workers", "int", minimum=1, maximum=100_000),
        ColumnSpec("languages", "languages", default=()),
    ),
    key=("code",),
)
HEADER = ["code", "name", "country", "since", "workers", "languages"]
GOOD = ["E1", "Padma Leather", "BD", date(2020, 1, 31), 120, "bn; en"]


def xlsx(*rows: Sequence[object], sheet: str = "enterprises", merge: str | None = None) -> bytes:
    book = NewWorkbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    if merge:
        book.active.merge_cells(merge)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def read(data: bytes, filename: str = "import.xlsx", spec: SheetSpec = ENTERPRISES) -> Workbook:
    return read_workbook(data, filename, [spec], known_sheets=["enterprises", "trainers"])


def only_error(book: Workbook) -> RowError:
    assert len(book.errors) == 1, book.errors
    return book.errors[0]


def refusal(data: bytes, filename: str = "import.xlsx") -> Rejected:
    with pytest.raises(Rejected) as caught:
        read(data, filename)
    return caught.value


def one_cell(kind: str, value: object, **more: Any) -> Any:
    spec = SheetSpec("s", (ColumnSpec("c", kind, required=True, **more),), ())  # type: ignore[arg-type]
    book = read_workbook(xlsx(["c"], [value], sheet="s"), "x.xlsx", [spec], known_sheets=[])
    return only_error(book).code if book.errors else book.sheets["s"][0]["c"]


def rezipped(data: bytes, changes: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, changes.get(name, old.read(name)))
        for name in changes.keys() - set(old.namelist()):
            new.writestr(name, changes[name])
    return out.getvalue()


# what is right


def test_rows_come_typed_with_the_number_a_person_sees() -> None:
    book = read(xlsx(HEADER, GOOD, [], ["E2", "  Jamuna Foods ", None, None, None, None]))
    assert book.ok
    first, second = book.sheets["enterprises"]
    assert (first.number, second.number) == (2, 4)
    assert dict(first.values) == {
        "code": "E1",
        "name": "Padma Leather",
        "country": "BD",
        "since": date(2020, 1, 31),
        "workers": 120,
        "languages": ("bn", "en"),
    }
    assert second["name"] == "Jamuna Foods"
    assert second["languages"] == ()


def test_sheets_and_columns_are_found_as_people_write_them() -> None:
    spec = SheetSpec("working weeks", (ColumnSpec("site_code"),), ("site_code",))
    book = read_workbook(xlsx([" Site Code "], ["a"], sheet="Working_Weeks"), "x.xlsx", [spec], known_sheets=[])
    assert book.ok
    assert book.sheets["working weeks"][0]["site_code"] == "a"


def test_another_services_sheet_is_passed_over() -> None:
    book = read(xlsx(["whatever"], ["x"], sheet="trainers"))
    assert book.ok
    assert book.sheets == {}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_csv_is_a_workbook_with_one_sheet(delimiter: str, encoding: str) -> None:
    rows = [["code", "name", "country"], ["E1", '"Ñandú\nand\nsons"', "bd"], [], ["E2", "B", ""]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    book = read(text.encode(encoding), "Enterprises.csv")
    assert book.ok, book.errors
    assert [(row.number, row["name"]) for row in book.sheets["enterprises"]] == [
        (2, "Ñandú\nand\nsons"),
        (4, "B"),
    ]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("text", 42, "42"),
        ("text", 42.0, "42"),
        ("text", " 007 ", "007"),
        ("int", "12", 12),
        ("float", 23.81, 23.81),
        ("bool", "Yes", True),
        ("bool", False, False),
        ("bool", 1, True),
        ("date", datetime(2026, 3, 31), date(2026, 3, 31)),  # noqa: DTZ001 - as openpyxl gives it
        ("date", "2026-03-31", date(2026, 3, 31)),
        ("time", clock_time(9, 30), clock_time(9, 30)),
        ("time", "9:30", clock_time(9, 30)),
        ("country", "bd", "BD"),
        ("countries", "bd; PK", ("BD", "PK")),
        ("zone", "asia/dhaka", "Asia/Dhaka"),
        ("language", "ZH-Hant", "zh-Hant"),
        ("languages", "bn, en; bn", ("bn", "en")),
        ("weekdays", "Sun-Thu", (0, 1, 2, 3, 6)),
        ("weekdays", "Monday; wed,FRI", (0, 2, 4)),
        ("list", "a; b, c", ("a", "b", "c")),
        (
            "date_ranges",
            "2026-07-01..2026-07-14; 2026-12-25",
            ((date(2026, 7, 1), date(2026, 7, 14)), (date(2026, 12, 25), date(2026, 12, 25))),
        ),
        ("email", "Rina@Example.ORG", "rina@example.org"),
        ("phone", "00880 1712-345 678", "+8801712345678"),
    ],
)
def test_cells_are_read_as_people_write_them(kind: str, value: object, expected: object) -> None:
    assert one_cell(kind, value) == expected


# what is wrong with a cell


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("date", "2026-02-30", "impossible_date"),
        ("date", "31/03/2026", "not_a_date"),
        ("date", 46112, "not_a_date"),
        ("date", datetime(2026, 3, 31, 9, 0), "date_with_time"),  # noqa: DTZ001 - as openpyxl gives it
        ("date", "0001-01-01", "impossible_date"),
        ("int", "1.5", "not_a_whole_number"),
        ("int", "many", "not_a_whole_number"),
        ("int", True, "not_a_whole_number"),
        ("float", "nan", "not_a_number"),
        ("float", "1e999", "not_a_number"),
        ("bool", "maybe", "not_yes_or_no"),
        ("time", "25:00", "not_a_time"),
        ("country", "Bangladesh", "not_a_country"),
        ("zone", "Dhaka", "not_a_zone"),
        ("zone", "../../etc/passwd", "not_a_zone"),
        ("languages", "Bengali!", "not_a_language"),
        ("weekdays", "Mon-Blu", "not_weekdays"),
        ("weekdays", "-", "not_weekdays"),
        ("date_ranges", "2026-07-14..2026-07-01", "impossible_range"),
        ("email", "a@b", "not_an_email"),
        ("email", "a@b.c, d@e.f", "not_an_email"),
        ("phone", "01712345678", "not_a_phone"),
        ("text", date(2026, 1, 1), "not_text"),
        ("text", "#REF!", "error_value"),
        ("text", "x" * 501, "too_long"),
        ("text", "=1+1", "formula"),
        ("date", "=TODAY()", "formula"),
    ],
)
def test_each_wrong_cell_has_its_own_fault(kind: str, value: object, code: str) -> None:
    assert one_cell(kind, value) == code


def test_a_choice_names_what_could_be_chosen() -> None:
    assert one_cell("choice", "LEAN", choices=("Lean", "Quality")) == "Lean"
    assert one_cell("choice", "Leen", choices=("Lean", "Quality")) == "unknown_choice"
    assert one_cell("list", "lean; quality", choices=("Lean", "Quality")) == ("Lean", "Quality")


def test_a_fault_says_where_what_and_what_would_be_right() -> None:
    book = read(xlsx(HEADER, GOOD, ["E2", "B", "BD", "2026-02-30", 3, None]))
    error = only_error(book)
    assert (error.sheet, error.row, error.column) == ("enterprises", 3, "since")
    assert error.message == "since is 2026-02-30, a day that does not exist."
    assert error.expected == "a date such as 2026-03-31"
    assert error.as_detail()["field"] == "since"


def test_one_upload_shows_all_that_is_wrong() -> None:
    book = read(xlsx(HEADER, ["", "A", "XYZ", "soon", 0, "?"], ["E2", "", "BD", None, "x", None]))
    assert [(e.row, e.column, e.code) for e in book.errors] == [
        (2, "code", "missing_value"),
        (2, "country", "not_a_country"),
        (2, "since", "not_a_date"),
        (2, "workers", "out_of_range"),
        (2, "languages", "not_a_language"),
        (3, "name", "missing_value"),
        (3, "workers", "not_a_whole_number"),
    ]


def test_faults_beyond_the_limit_are_counted() -> None:
    book = read(xlsx(HEADER, *([f"E{n}", None] for n in range(MAX_ERRORS + 50))))
    assert (len(book.errors), book.further_errors) == (MAX_ERRORS, 50)


def test_a_duplicate_key_names_both_rows() -> None:
    book = read(xlsx(HEADER, GOOD, ["E2", "B"], [" e1 ", "C"]))
    error = only_error(book)
    assert (error.code, error.row, error.column) == ("duplicate_key", 4, "code")
    assert "row 2" in error.message
    assert "row 4" in error.message


def test_a_key_of_two_columns_may_repeat_each_alone() -> None:
    spec = SheetSpec("s", (ColumnSpec("a"), ColumnSpec("b")), ("a", "b"))
    data = xlsx(["a", "b"], ["x", "1"], ["x", "2"], ["y", "1"], ["x", "1"], sheet="s")
    book = read_workbook(data, "x.xlsx", [spec], known_sheets=[])
    assert only_error(book).row == 5


# what is wrong with a sheet


def test_an_unknown_sheet_is_named_with_those_that_are_known() -> None:
    error = only_error(read(xlsx(HEADER, GOOD, sheet="Enterprizes")))
    assert (error.code, error.sheet) == ("unknown_sheet", "Enterprizes")
    assert error.expected == "one of enterprises, trainers"


def test_a_missing_column_is_named() -> None:
    error = only_error(read(xlsx(["code", "country"], ["E1", "BD"])))
    assert (error.code, error.column, error.row) == ("missing_column", "name", 1)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (["code", "name", "contry"], "unknown_column"),
        (["code", "name", "Code"], "duplicate_column"),
        (["code", None, "name"], "empty_header"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(header: list[object], code: str) -> None:
    assert only_error(read(xlsx(header, ["E1", "x", "y"]))).code == code


def test_a_merged_header_and_merged_cells_are_refused() -> None:
    header = read(xlsx(["code", "name", "country"], GOOD[:3], merge="A1:B1"))
    assert ("merged_header", 1) in [(error.code, error.row) for error in header.errors]
    cells = only_error(read(xlsx(HEADER, GOOD, ["E2", "B"], merge="B2:B3")))
    assert (cells.code, cells.row) == ("merged_cells", 2)
    assert "B2:B3" in cells.message


def test_a_value_without_a_header_is_not_silently_dropped() -> None:
    error = only_error(read(xlsx(["code", "name"], ["E1", "A", "extra"])))
    assert (error.code, error.row, error.column) == ("no_header", 2, "C")


def test_an_empty_sheet_is_refused() -> None:
    assert only_error(read(xlsx())).code == "empty_sheet"


def test_a_sheet_with_a_header_alone_has_no_rows() -> None:
    book = read(xlsx(HEADER))
    assert (book.ok, book.sheets["enterprises"]) == (True, [])


def test_too_many_rows_are_refused_and_the_most_allowed_are_read_in_time() -> None:
    rows = [[f"E{n}", "A", "BD", date(2020, 1, 1), 5, "bn"] for n in range(MAX_ROWS + 1)]
    most = xlsx(HEADER, *rows[:-1])
    began = time.process_time()
    book = read(most)
    taken = time.process_time() - began
    assert (book.ok, len(book.sheets["enterprises"])) == (True, MAX_ROWS)
    assert taken < 3
    error = only_error(read(xlsx(HEADER, *rows)))
    assert (error.code, error.row) == ("too_many_rows", MAX_ROWS + 2)


def test_ten_thousand_blank_rows_in_between_are_no_rows() -> None:
    book = NewWorkbook()
    book.active.title = "enterprises"
    book.active.append(HEADER)
    book.active["A30000"], book.active["B30000"] = "E1", "A"
    file = io.BytesIO()
    book.save(file)
    read_book = read(file.getvalue())
    assert [row.number for row in read_book.sheets["enterprises"]] == [30000]


# what is wrong with a file


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"hello", b"%PDF-1.7", b"PK\x03\x04", b"\x89PNG\r\n", b"PK\x05\x06" + bytes(18)],
)
def test_a_file_that_is_no_workbook_is_refused(data: bytes) -> None:
    assert refusal(data).code in {"empty_file", "not_a_workbook"}


def test_a_damaged_workbook_is_refused() -> None:
    data = xlsx(HEADER, GOOD)
    assert refusal(data[: len(data) // 2]).code == "not_a_workbook"
    broken = rezipped(data, {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row r='1'><c"})
    assert refusal(broken).code == "not_a_workbook"


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=10_000))
@example(b"\x08" + bytes(18) + b"\x12", 202)  # the name of a part is no text any more
@settings(max_examples=150, deadline=None)
def test_no_damage_raises_anything_but_a_refusal(junk: bytes, place: int) -> None:
    data = bytearray(DAMAGED_BASE)
    at = place % len(data)
    data[at : at + len(junk)] = junk
    with suppress(Rejected):
        read(bytes(data))


DAMAGED_BASE = xlsx(HEADER, GOOD)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_csv_raises_anything_but_a_refusal(data: bytes) -> None:
    with suppress(Rejected):
        read(data, "enterprises.csv")


def test_an_encrypted_workbook_and_an_old_one_say_what_to_do() -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
    assert refusal(ole).code == "old_workbook"
    assert refusal(ole + "EncryptedPackage".encode("utf-16-le")).code == "encrypted_workbook"


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = rezipped(xlsx(HEADER, GOOD), {"xl/worksheets/sheet1.xml": bytes(80 * 1024 * 1024)})
    assert len(bomb) < 200_000
    began = time.process_time()
    assert refusal(bomb).code == "zip_bomb"
    assert time.process_time() - began < 0.2


def test_a_zip_bomb_that_lies_about_its_size_is_refused() -> None:
    bomb = bytearray(rezipped(xlsx(HEADER, GOOD), {"xl/media/a.xml": bytes(40 * 1024 * 1024)}))
    size = (40 * 1024 * 1024).to_bytes(4, "little")
    assert bomb.count(size) == 2
    assert refusal(bytes(bomb.replace(size, (1000).to_bytes(4, "little")))).code == "not_a_workbook"


def test_many_small_parts_are_refused() -> None:
    many = {f"xl/media/{n}.bin": b"" for n in range(1001)}
    assert refusal(rezipped(xlsx(HEADER, GOOD), many)).code == "zip_bomb"


@pytest.mark.parametrize(
    "part",
    ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "docProps/core.xml"],
)
def test_entity_expansion_is_refused_in_every_part(part: str) -> None:
    laughs = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    assert refusal(rezipped(xlsx(HEADER, GOOD), {part: laughs})).code == "unsafe_workbook"
    late = b"<?xml version='1.0'?><!--" + b"-" * 3_000_000 + b"--><!DOCTYPE x><x/>"
    assert refusal(rezipped(xlsx(HEADER, GOOD), {part: late})).code in {
        "unsafe_workbook",
        "zip_bomb",
    }
    wide = laughs.decode().encode("utf-16")
    assert refusal(rezipped(xlsx(HEADER, GOOD), {part: wide})).code == "unsafe_workbook"


def test_a_file_over_the_limit_is_refused_by_its_size() -> None:
    refused = refusal(bytes(11 * 1024 * 1024))
    assert (refused.code, refused.status) == ("file_too_large", 413)


def test_a_csv_in_another_encoding_names_the_line() -> None:
    refused = refusal("code,name\nE1,A\nE2,Ñandú\n".encode("latin-1"), "enterprises.csv")
    assert (refused.code, refused.row) == ("not_utf8", 3)


def test_a_csv_with_an_open_quotation_mark_names_the_row() -> None:
    refused = refusal(b'code,name\nE1,"A\n', "enterprises.csv")
    assert (refused.code, refused.row) == ("broken_csv", 2)


def test_a_workbook_named_csv_is_not_read_as_text() -> None:
    assert refusal(xlsx(HEADER, GOOD), "enterprises.csv").code == "not_a_workbook"


def test_a_path_in_the_files_name_means_nothing() -> None:
    for name in ("../../enterprises.csv", "C:\\Users\\me\\enterprises.csv"):
        assert read(b"code,name\nE1,A\n", name).ok
