"""Compiles the search of large plans before somebody waits for it: in a process of its own, behind everything else.

On a fresh machine that is most of a minute of processor time; where the compiled code is kept already, it is found and nothing
is done. Nothing depends on it: a large plan that comes first compiles for itself.
"""

import os
from datetime import date, timedelta

from services.scheduler.planner.instance import (
    Certificate,
    DateSpan,
    Enterprise,
    Instance,
    Job,
    JobKind,
    Level,
    Trainer,
)
from services.scheduler.planner.large import warm_up
from services.scheduler.planner.travel import Position
from services.scheduler.planning.orphan import end_with

_LOWEST_PRIORITY = 19
_DAYS = DateSpan(date(2027, 1, 4), date(2027, 1, 8))
_TONGUES = frozenset({"en"})
_PLACE = Position(0.0, 0.0)

ONE_VISIT = Instance(
    horizon=_DAYS,
    country_zone="UTC",
    trainers=(Trainer("t", _PLACE, _TONGUES, (Certificate("m", Level.CERTIFIED, date(2026, 1, 1)),), "r"),),
    enterprises=(Enterprise("e", _PLACE, "r", _TONGUES, _TONGUES),),
    jobs=(Job("j", "visit", JobKind.CONSULTANCY, "m", ("e",), timedelta(hours=3), _DAYS),),
)


def compile_ahead(parent: int) -> None:
    """What the process does; it ends when it is done, or with its parent."""
    os.nice(_LOWEST_PRIORITY)
    end_with(parent)
    warm_up(ONE_VISIT)
