"""The words of every message, by language, from the files beside this one; English where a language lacks something."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "catalogue"
FALLBACK = "en"


class Catalogue:
    """`templates` are tables of `subject`, `body` and `sms`; `common` holds labels, names of days and the like."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._templates: dict[str, dict[str, Mapping[str, str]]] = {}
        self._common: dict[str, dict[str, Any]] = {}
        for language in sorted(path.name for path in folder.iterdir() if path.is_dir()):
            self._templates[language] = {}
            for file in sorted((folder / language).glob("*.toml")):
                content = tomllib.loads(file.read_text(encoding="utf-8"))
                if file.stem == "common":
                    self._common[language] = content
                else:
                    self._templates[language] |= content

    @property
    def languages(self) -> tuple[str, ...]:
        """What messages can be written in."""
        return tuple(self._templates)

    def language_for(self, tag: str) -> str:
        """The language a reader of `tag` (BCP 47) gets: the tag, its primary language, or English."""
        wanted = tag.lower().replace("_", "-")
        return next((one for one in (wanted, wanted.split("-")[0]) if one in self._templates), FALLBACK)

    def entry(self, language: str, template: str) -> Mapping[str, str]:
        """The words of one message."""
        return self._templates[language].get(template) or self._templates[FALLBACK][template]

    def common(self, language: str) -> Mapping[str, Any]:
        """Labels, links, names of days and months."""
        return self._common[language]
