"""Say at the end what did not run; with ``CI=true`` leaving something out is a failure.

A test that is skipped where it should run proves nothing while it looks green. What may be
left out is marked ``@pytest.mark.docker`` and run where Docker is.
"""

from __future__ import annotations

import os

import pytest

_MAY_BE_LEFT_OUT = "docker"
_CI_FAILED = pytest.ExitCode.TESTS_FAILED


class LeftOut:
    """Collects skips; workers of pytest-xdist report theirs to the controller's."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self.permitted: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._note(report, report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._note(report, report.nodeid)

    def _note(self, report: pytest.TestReport | pytest.CollectReport, name: str) -> None:
        where = report.longrepr
        reason = where[2] if isinstance(where, tuple) else str(where)
        self.reasons[name] = reason.removeprefix("Skipped: ")
        if _MAY_BE_LEFT_OUT in getattr(report, "keywords", {}):
            self.permitted.add(name)

    @property
    def unpermitted(self) -> list[str]:
        return sorted(set(self.reasons) - self.permitted)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        in_ci = os.environ.get("CI") == "true"
        if in_ci and self.unpermitted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = _CI_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.reasons:
            terminalreporter.write_line("Nothing was left out.")
            return
        terminalreporter.section("left out")
        for name, reason in sorted(self.reasons.items()):
            terminalreporter.write_line(f"{name}: {reason}")
        if os.environ.get("CI") == "true" and self.unpermitted:
            terminalreporter.write_line(f"CI=true: {len(self.unpermitted)} of these should have run", red=True)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "docker: needs Docker; may be left out where it is not")
    if not hasattr(config, "workerinput"):  # workers send their reports to the controller
        config.pluginmanager.register(LeftOut(), "gemba-left-out")
