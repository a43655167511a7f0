"""What the documents say holds a promise is there: every test and file that they name exists."""

from __future__ import annotations

import re

import pytest

from shared.contracts.publish import ROOT

PAGES = ["delivery.md", "time.md", "contracts.md"]
DEFINED = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / "docs" / "architecture" / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    assert named
    assert named - DEFINED == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_the_kit_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / "docs" / "architecture" / page).read_text(encoding="utf-8")
    for name in re.findall(r"`((?:shared|tests)/[\w/.]+\.py)`", text):
        assert (ROOT / name).is_file(), name
