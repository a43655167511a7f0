"""The model of the reference instances, stated for the search core.

That model is smaller than the planner's: days are working days, an enterprise's four visits have one trainer or none, at
most two a day with the road within ten hours, four a week, and the load costs its distance from the mean in both directions.
The folder with its generator and its checker is no part of the project: `GEMBA_PLANNER_REFERENCE` names it.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import numpy as np

from services.scheduler.planner.search.nearness import by_nearness
from services.scheduler.planner.search.problem import (
    BAND_COLUMNS,
    BLOCK,
    CANDIDATES_FROM,
    CREW,
    EARLIEST,
    FIRST_VISIT,
    FIXED_COLUMNS,
    FOLLOWERS_FROM,
    GAP_MAX,
    GAP_MIN,
    GROUP,
    INT,
    LATEST,
    MINUTES,
    NO_LIMIT,
    PAIR_ROW,
    PLACE,
    SECOND_CALENDAR,
    TARGET,
    TOGETHER,
    UNIT,
    UNIT_COLUMNS,
    VISIT_COLUMNS,
    WHOLE,
    Problem,
)  # fmt: skip
from services.scheduler.planner.search.run import Found
from services.scheduler.planner.search.state import DAY, LEAD

VISITS, GAP_DAYS, WEEK, PER_DAY_LIMIT, PER_WEEK_LIMIT = 4, 10, 5, 2, 4
KM_PER_DAY, PER_IMBALANCE, UNPLACED = 4.0, 15.0, 20_000.0
VISIT_MINUTES, LONGEST_MINUTES = 180, 600
NEAR = 30


def reference() -> Any:
    """The module with `make` and `check`."""
    folder = os.environ.get("GEMBA_PLANNER_REFERENCE")
    if not folder:
        raise SystemExit("GEMBA_PLANNER_REFERENCE must name the folder with the reference instances (instances.py).")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("instances")


def problem_of(instance: dict[str, Any]) -> Problem:
    """Arrays for the search. Kilometres are minutes too: 60 km/h. Enterprises are numbered by where they are."""
    instance = _renumbered(instance)
    units, trainers, days = instance["E"], instance["T"], instance["D"]
    visits = units * VISITS
    unit = np.repeat(np.arange(units), VISITS)
    eligible = instance["elig"]
    home, road = instance["dte"], instance["dee"]
    order = np.argsort(np.where(eligible, home.T, 1 << 30), axis=1, kind="stable")
    counts = eligible.sum(1)
    candidates = np.concatenate([order[u, : counts[u]] for u in range(units)])
    load = np.abs(np.arange(visits + VISITS + 1) - instance["avg"]) * PER_IMBALANCE
    unit_rows = np.zeros((units + 1, UNIT_COLUMNS), INT)
    unit_rows[:, FIRST_VISIT] = np.arange(units + 1) * VISITS
    unit_rows[:, CANDIDATES_FROM] = np.concatenate([[0], np.cumsum(counts)])
    unit_rows[:, [WHOLE, TOGETHER]] = 1
    unit_rows[:, FOLLOWERS_FROM] = len(candidates)
    rows = np.zeros((visits + 1, VISIT_COLUMNS), INT)
    columns = {
        UNIT: unit, PLACE: unit, MINUTES: VISIT_MINUTES, BLOCK: 1, CREW: 1, SECOND_CALENDAR: -1, GAP_MIN: GAP_DAYS,
        GAP_MAX: NO_LIMIT, GROUP: -1, PAIR_ROW: -1,
    }  # fmt: skip
    for column, name in ((EARLIEST, "lo"), (LATEST, "hi"), (TARGET, "tgt")):
        columns[column] = instance[name].reshape(-1)
    for column, values in columns.items():
        rows[:visits, column] = values
    return Problem(
        units=unit_rows,
        visits=rows,
        bands=np.zeros((0, BAND_COLUMNS), INT),
        lists=np.ascontiguousarray(candidates, INT),
        groups=np.zeros(1, INT),
        near=_near(instance),
        trainers=np.tile(np.array([PER_DAY_LIMIT, PER_WEEK_LIMIT], INT), (trainers, 1)),
        points=np.tile(np.array([KM_PER_DAY, UNPLACED / VISITS], np.float32), (visits, 1)),
        extra=np.where(eligible, 0.0, np.inf).repeat(VISITS, axis=0).astype(np.float32),
        works=np.ascontiguousarray(instance["avail"][None]),
        is_open=np.ones((1, days), np.bool_),
        week=(np.arange(days) // WEEK).astype(INT),
        load_cost=np.tile(load - load[0], (trainers, 1)),
        road=np.concatenate([road, home]).astype(np.float32),
        drive=np.concatenate([road, home]).astype(np.int32),
        fixed=np.zeros((0, FIXED_COLUMNS), INT),
        rules=np.array([1440.0, LONGEST_MINUTES, 1.0, 0.0, 0.0, NO_LIMIT]),
    )


def _numbering(instance: dict[str, Any]) -> Any:
    """Which enterprise is the first, the second …; where they are is told by the distances to every trainer's home."""
    return by_nearness(instance["dte"].T.astype(float))


def _renumbered(instance: dict[str, Any]) -> dict[str, Any]:
    order = _numbering(instance)
    rows = {name: np.ascontiguousarray(instance[name][order]) for name in ("elig", "lo", "hi", "tgt")}
    dee = np.ascontiguousarray(instance["dee"][np.ix_(order, order)])
    return instance | rows | {"dte": np.ascontiguousarray(instance["dte"][:, order]), "dee": dee}


def constant(instance: dict[str, Any]) -> float:
    """Points of an empty plan's imbalance: the search counts from there."""
    return float(instance["T"] * instance["avg"] * PER_IMBALANCE)


def _near(instance: dict[str, Any]) -> Any:
    """Neighbours whose windows meet, nearest first."""
    low, high = instance["lo"], instance["hi"]
    count = min(NEAR, instance["E"] - 1)
    near = np.full((instance["E"], count), -1, INT)
    for e in range(instance["E"]):
        meets = np.zeros(instance["E"], bool)
        for k in range(VISITS):
            meets |= ((low <= high[e, k]) & (high >= low[e, k])).any(1)
        meets[e] = False
        order = np.argsort(np.where(meets, instance["dee"][e], 1 << 30), kind="stable")[:count]
        near[e] = np.where(meets[order], order, -1)
    return near


def answer(instance: dict[str, Any], found: Found) -> tuple[Any, Any]:
    """Trainer of each enterprise and days of its visits, as the reference's checker wants them."""
    placed = np.empty((instance["E"], VISITS, found.placed.shape[1]), INT)
    placed[_numbering(instance)] = found.placed.reshape(placed.shape)
    return placed[:, 0, LEAD].copy(), np.maximum(0, placed[:, :, DAY])
