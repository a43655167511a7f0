"""An import checks everything before it takes anything, says every fault by its place, and can be done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Asked, Pretended, Run

DIRECTORY = "/directory/api/imports"
SCHEDULER = "/scheduler/api/imports"
PEOPLE = {"sheet": "people", "rows": 12, "new": 3, "changed": 1, "unchanged": 8}
LEAVE = {"sheet": "leave", "rows": 2, "new": 2, "changed": 0, "unchanged": 0}


def outcome(*sheets: dict[str, Any], errors: Any = (), further: int = 0) -> dict[str, Any]:
    return {"dry_run": True, "import_id": None, "sheets": list(sheets), "errors": errors, "further_errors": further}


def fault(sheet: str, row: int, column: str) -> dict[str, Any]:
    return {
        "sheet": sheet, "row": row, "field": column, "column": column, "code": "unknown", "message": f"{column} is wrong",
        "expected": "something else",
    }  # fmt: skip


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "programme.xlsx"
    path.write_bytes(b"PK-a-workbook")
    return path


@pytest.fixture
def both(gemba: Pretended) -> Pretended:
    """Both services own a sheet and are content."""
    gemba.answer("POST", DIRECTORY, outcome(PEOPLE))
    gemba.answer("POST", SCHEDULER, outcome(LEAVE))
    return gemba


def takes(asked: list[Asked]) -> list[str]:
    return [one.path for one in asked if one.query["dry_run"] == "false"]


def test_all_is_checked_before_any_is_taken_and_people_go_first(both: Pretended, run: Run, workbook: Path) -> None:
    done = run("import", workbook)
    assert done.code == 0, done.err
    assert [(one.path, one.query["dry_run"]) for one in both.asked] == [
        (DIRECTORY, "true"),
        (SCHEDULER, "true"),
        (DIRECTORY, "false"),
        (SCHEDULER, "false"),
    ]
    for one in both.asked:
        assert b'name="workbook"; filename="programme.xlsx"' in one.body
        assert b"PK-a-workbook" in one.body
    assert done.out.splitlines() == [
        "Imported:",
        "SHEET   SERVICE    ROWS  NEW  CHANGED  UNCHANGED",
        "people  directory  12    3    1        8",
        "leave   scheduler  2     2    0        0",
    ]


def test_a_dry_run_takes_nothing(both: Pretended, run: Run, workbook: Path) -> None:
    done = run("import", workbook, "--dry-run", "--json")
    assert (done.code, takes(both.asked)) == (0, [])
    assert done.json == {
        "dry_run": True,
        "files": [
            {
                "file": str(workbook),
                "services": [
                    {"service": "directory", "state": "checked", "sheets": [PEOPLE]},
                    {"service": "scheduler", "state": "checked", "sheets": [LEAVE]},
                ],
            }
        ],
    }


def test_a_fault_in_one_services_sheets_keeps_the_other_from_taking_its_own(
    both: Pretended, run: Run, workbook: Path
) -> None:
    both.answer("POST", SCHEDULER, outcome(LEAVE, errors=[fault("leave", 7, "first")]))
    done = run("import", workbook)
    assert (done.code, takes(both.asked)) == (1, [])
    assert done.out.splitlines() == [
        "SHEET  ROW  COLUMN  WHAT IS WRONG   RIGHT WOULD BE",
        "leave  7    first   first is wrong  something else",
    ]
    assert "1 place must be corrected; nothing was taken" in done.err


def test_faults_of_both_are_shown_together_and_the_same_one_once(both: Pretended, run: Run, workbook: Path) -> None:
    unknown = fault("notes", 0, "")
    both.answer("POST", DIRECTORY, outcome(errors=[unknown, fault("people", 3, "zone")], further=5))
    both.answer("POST", SCHEDULER, outcome(errors=[unknown, fault("leave", 7, "first")]))
    done = run("import", workbook, "--json")
    error = done.json["error"]
    assert (done.code, error["code"]) == (1, "workbook_has_errors")
    assert error["message"].startswith("8 places")
    places = [(one["file"], one["sheet"], one["row"], one["column"]) for one in error["errors"]]
    file = str(workbook)
    assert places == [(file, "notes", None, None), (file, "people", 3, "zone"), (file, "leave", 7, "first")]


def test_a_file_that_is_no_workbook_is_said_once(gemba: Pretended, run: Run, workbook: Path) -> None:
    for path in (DIRECTORY, SCHEDULER):
        gemba.refuse("POST", path, 422, "not_a_workbook", "This file is not a workbook.")
    done = run("import", workbook, "--json")
    assert [one["message"] for one in done.json["error"]["errors"]] == ["This file is not a workbook."]
    assert done.code == 1


def test_who_may_not_import_is_told_so_and_not_that_the_file_is_wrong(
    both: Pretended, run: Run, workbook: Path
) -> None:
    both.refuse("POST", SCHEDULER, 403, "wrong_role", "This needs the role coordinator, which you do not have.")
    done = run("import", workbook)
    assert (done.code, takes(both.asked)) == (4, [])
    assert "role coordinator" in done.err


def test_a_service_without_a_sheet_in_it_takes_no_part(both: Pretended, run: Run, workbook: Path) -> None:
    both.answer("POST", DIRECTORY, outcome())
    assert run("import", workbook).code == 0
    assert takes(both.asked) == [SCHEDULER]


def test_a_file_without_any_sheet_of_ours_is_refused(gemba: Pretended, run: Run, workbook: Path) -> None:
    gemba.answer("POST", DIRECTORY, outcome())
    gemba.answer("POST", SCHEDULER, outcome())
    done = run("import", workbook)
    assert done.code == 1
    assert "has no sheet that can be imported" in done.out


def test_what_broke_off_is_said_with_how_far_it_came(both: Pretended, run: Run, workbook: Path) -> None:
    problem = {"status": 503, "code": "try_again", "detail": "Something is not available."}
    both.answer("POST", SCHEDULER, outcome(LEAVE), (503, problem, {}))
    done = run("import", workbook)
    assert done.code == 5
    assert "directory's sheets of programme.xlsx were taken, scheduler's sheets of programme.xlsx were not" in done.err
    assert "do the same again" in done.err


def test_several_files_are_all_checked_before_the_first_is_taken(
    both: Pretended, run: Run, workbook: Path, tmp_path: Path
) -> None:
    other = tmp_path / "peru.xlsx"
    other.write_bytes(b"PK-another")

    def answer(asked: Asked) -> Any:
        broken = b"peru.xlsx" in asked.body
        return outcome(PEOPLE, errors=[fault("people", 2, "zone")] if broken else [])

    both.answer("POST", DIRECTORY, answer)
    done = run("import", workbook, other)
    assert (done.code, takes(both.asked)) == (1, [])
    assert done.out.splitlines()[0].startswith("FILE")
    assert "imported after it" in done.err


@pytest.mark.parametrize(("name", "code"), [("missing.xlsx", 3), (".", 1)])
def test_a_file_that_cannot_be_read_asks_nobody(
    gemba: Pretended, run: Run, name: str, code: int, tmp_path: Path
) -> None:
    done = run("import", tmp_path / name)
    assert (done.code, gemba.asked) == (code, [])
    assert "cannot be read" in done.err


def test_a_file_that_no_service_would_take_is_not_sent(gemba: Pretended, run: Run, tmp_path: Path) -> None:
    huge = tmp_path / "huge.xlsx"
    with huge.open("wb") as file:
        file.truncate(11_000_000)
    done = run("import", huge)
    assert (done.code, gemba.asked) == (1, [])
    assert "11.0 MB" in done.err
