"""The whole system for scenarios: one installation for all of them, on a steered clock, with a sample programme in it.

    from tests.harness.scenario import SCENARIO
    pytestmark = SCENARIO

    async def test_a_promise(world: World) -> None: …

Real processes, Apache Kafka and PostgreSQL of its own: a service refuses a log that holds facts its database does not
know, so the run's shared servers do not do. Everything runs in one event loop for the session, because the supervisor
lives in it. Scenarios do not meet: each has enterprises of its own, and leaves no clock of theirs running.
"""

from __future__ import annotations

import io
import logging
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from openpyxl import Workbook
from rich.console import Console

from deploy.local import process
from deploy.local.demo.programme import TRAINERS, write_workbooks
from deploy.local.demo.timeline import Timeline
from deploy.local.demo.world import World, open_world
from deploy.local.installation import Installation, running_installation
from deploy.local.state import State
from shared.clock import SteeredClock

SCENARIO = [pytest.mark.xdist_group("scenarios"), pytest.mark.asyncio(loop_scope="session")]
BEGINS = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)

COUNTRIES = ("BD", "PE")
"""Two, so that there is another country to look from; the third would only take time."""
MODULE = "TRY"
"""A module of one stage: a visit at each enterprise and nothing after it. Planned in a moment."""

said: list[tuple[str, str]] = []
"""What the supervisor reported: who died, who runs again."""


def times_run_again(name: str) -> int:
    """How often the supervisor has brought a program back so far."""
    return sum(1 for who, what in said if who == name and "runs again" in what)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Everything started; its logs outlive the run, its servers' data does not."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that a killed broker does not answer is no news
    state = State(tmp_path_factory.mktemp("scenarios"))
    # Not the default port: another test's installation may be looking at it in this moment.
    state.save_config(ports={"origin": process.free_port()})
    SteeredClock.create(clock_file(state), BEGINS)

    async with running_installation(
        state, profile="test", clock=f"steered:{clock_file(state)}", report=lambda who, what: said.append((who, what))
    ) as gemba:
        yield gemba
    for data in ("postgres", "kafka"):
        shutil.rmtree(state.folder / data, ignore_errors=True)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def programme(installation: Installation) -> AsyncIterator[World]:
    """Eyes and hands on it, after the import of the programme."""
    clock = SteeredClock(clock_file(installation.state))
    silent = Timeline("UTC", Console(file=io.StringIO()))
    async with open_world(installation, clock, silent, installation.administrator_token()) as world:
        folder = installation.state.folder / "workbooks"
        wanted = {"programme-modules.xlsx", *(f"programme-{code.lower()}.xlsx" for code in COUNTRIES)}
        books = [path for path in write_workbooks(folder) if path.name in wanted]
        for path in (*books, _write_trial_module(folder)):
            for owner in ("directory", "scheduler"):
                await world.administrator.upload(f"/{owner}/api/imports?dry_run=false", path.name, path.read_bytes())
            await world.settle()  # the next one names people of this one
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def world(programme: World) -> World:
    """The programme, quiet, and by day in both countries: ordinary mail is not held for the night."""
    await programme.services.settle(seconds=120)
    now = programme.clock.now()
    day = now.replace(hour=12, minute=30, second=0, microsecond=0)
    await programme.advance_to(day if day >= now else day + timedelta(days=1))
    return programme


def clock_file(state: State) -> Path:
    """Where the steered clock of the installation lies."""
    return state.folder / "clock"


def _write_trial_module(folder: Path) -> Path:
    book = Workbook(write_only=True)
    sheets: dict[str, list[tuple[object, ...]]] = {
        "modules": [("code", "title", "version"), (MODULE, "One Visit Each", "1.0")],
        "stages": [
            ("module", "country", "stage", "kind", "order", "days", "hours", "after", "min_gap_days", "max_gap_days",
             "offset_days", "online"),
            (MODULE, None, "baseline", "baseline", 1, 1, 3, None, None, None, 2, "no"),
        ],
        "certificates": [
            ("person", "module", "level", "valid_from", "valid_to"),
            *(
                (f"{country}-T{number:02d}", MODULE, "certified", datetime(2025, 1, 1), datetime(2028, 1, 1))  # noqa: DTZ001
                for country in COUNTRIES
                for number in range(1, TRAINERS + 1)
            ),
        ],
    }  # fmt: skip
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    path = folder / "trial.xlsx"
    book.save(path)
    return path
