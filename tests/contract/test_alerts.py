"""An alert that names a metric nobody makes would never fire, and one without a runbook helps nobody."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import services
import shared
from shared.telemetry import metrics_text
from tests.chaos.kinds import KINDS

ROOT = Path(__file__).resolve().parent.parent.parent
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
OPERATORS = ROOT / "docs" / "reference" / "faults.md"


@pytest.fixture(scope="module")
def metrics() -> str:
    """Every metric of every service, as one process would show them."""
    for package in (shared, services):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__") and ".migrations" not in module.name:
                importlib.import_module(module.name)
    return metrics_text().decode()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_asks_for_metrics_that_exist_and_names_a_runbook_that_exists(
    rule: dict[str, Any], metrics: str
) -> None:
    for name in re.findall(r"gemba_\w+", rule["expr"]):
        assert f"# TYPE {name.removesuffix('_total')} " in metrics or f"# TYPE {name} " in metrics, name
    runbook = ROOT / rule["annotations"]["runbook"]
    assert "**Means**" in runbook.read_text(encoding="utf-8")
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_runbook_is_somebodys() -> None:
    named = {rule["annotations"]["runbook"] for rule in RULES}
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/runbooks").glob("*.md")} == named


def test_every_kind_of_fault_says_what_an_operator_sees() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", OPERATORS.read_text(encoding="utf-8"), re.MULTILINE))
    assert rows.keys() == KINDS.keys()
    alerts = {rule["alert"] for rule in RULES}
    for kind, seen in rows.items():
        named = set(re.findall(r"\b[A-Z][A-Za-z]+[a-z]\b(?=[,)| ]|$)", seen.split("|")[1]))
        assert named & alerts, f"{kind}: {seen}"
