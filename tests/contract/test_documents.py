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


LINKS = [
    (document, text, target.partition("#")[0])
    for document in [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for text, target in re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    if not re.match(r"[a-z]+:|#", target)
]


def test_every_link_of_every_document_leads_somewhere() -> None:
    assert len(LINKS) > 100
    assert [(str(page.relative_to(ROOT)), to) for page, _, to in LINKS if not (page.parent / to).exists()] == []


def test_every_function_that_a_document_links_to_is_in_that_file() -> None:
    """`name` that leads to a file of Python is a function or a class there, or the file itself."""
    named = [
        (text.strip("`").rpartition(".")[2], page.parent / to)
        for page, text, to in LINKS
        if to.endswith(".py") and re.fullmatch(r"`[\w.]+`", text)
    ]
    assert named
    for name, file in named:
        assert name == file.stem or re.search(rf"\b(?:def|class) {name}\b", file.read_text(encoding="utf-8")), (
            f"there is no {name} in {file.relative_to(ROOT)}"
        )
