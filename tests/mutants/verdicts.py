"""A pytest plugin: what became of each test, as lines of JSON in the file that GEMBA_VERDICTS names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One line for each call, and for whatever went wrong around one."""
    if report.when != "call" and report.outcome == "passed":
        return
    line = {
        "test": report.nodeid,
        "when": report.when,
        "outcome": report.outcome,
        "seconds": round(report.duration, 2),
        "text": report.longreprtext[-20_000:] if report.failed else "",
    }
    with Path(os.environ["GEMBA_VERDICTS"]).open("a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")
