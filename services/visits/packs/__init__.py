"""The released packs: read and checked once, when the service starts. Their files are data, beside this one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.visits.domain.action import ActionRules, parse_rules
from services.visits.domain.pack import Pack, parse_pack

FOLDER = Path(__file__).parent
CURRENT = "score-default"


@dataclass(frozen=True, slots=True)
class Packs:
    """Every released version of the protocols, and the rules of corrective actions."""

    protocols: dict[tuple[str, int], Pack]
    actions: ActionRules
    documents: tuple[dict[str, Any], ...]
    """The packs as they were released, for whoever wants to read what they are held to."""

    @property
    def current(self) -> Pack:
        """What a case opened now is pinned to: the newest version of the installation's pack."""
        return self.protocols[max(key for key in self.protocols if key[0] == CURRENT)]

    def pinned(self, name: str, version: int) -> Pack:
        """The version a case was opened under. A missing one is a broken installation, never a default."""
        return self.protocols[name, version]


def load_packs(folder: Path = FOLDER) -> Packs:
    """Read all of them. Raises `ValueError` or `KeyError` for one that is not whole: the service does not start."""
    protocols, documents = {}, []
    for path in sorted(folder.glob("score-*.json")):
        documents.append(json.loads(path.read_text(encoding="utf-8")))
        pack = parse_pack(documents[-1])
        protocols[pack.name, pack.version] = pack
    rules = json.loads((folder / "corrective-default.v1.json").read_text(encoding="utf-8"))
    return Packs(protocols, parse_rules(rules), (*documents, rules))
