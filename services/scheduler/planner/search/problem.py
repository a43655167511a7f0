"""What the search is asked, as tables of numbers.

*Visits* are grouped into *units* that are taken out and put in together: the consultancy visits of one enterprise, or a
single visit. Visits of a unit have consecutive numbers, in the order of their bands. Days are indices; minutes count from
the opening of the day; costs are points. *Places* are sites, venues and wherever something booked is.

Few tables with named columns instead of many arrays: a compiled function takes each array as nine arguments, and the
compiler's time grows with them (measured: 60 arrays, 70 seconds). Whole numbers are 64 bits wide, as the compiler's own are:
with narrow ones it made up to eight versions of a function, one for each mixture.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

INT = np.int64
Ints = NDArray[np.int64]
Minutes = NDArray[np.int32]
Bools = NDArray[np.bool_]
Reals = NDArray[np.float32]
Sums = NDArray[np.float64]

NO_LIMIT = 1 << 20
"""More days than any horizon: a band without an upper end."""

MOST_GUESTS = 62
"""Guests of a classroom that are told apart: a bit each in an `INT`."""


class Problem(NamedTuple):
    """One question to the search. V visits, U units, T trainers, D days, P places."""

    units: Ints
    """[U + 1, columns]; the last row only ends the lists of the one before"""
    visits: Ints
    """[V + 1, columns]; likewise"""
    bands: Ints
    """[n, columns] bands to visits of other units, by visit"""
    lists: Ints
    """candidates of units, their followers, guests of visits, who may stay away, visits of groups: one after the other"""
    groups: Ints
    """[G + 1] where the visits of each group begin in `lists`"""
    near: Ints
    """[U, N] units close by whose visits can share a day with this one's, nearest first; -1 pads"""
    trainers: Ints
    """[T, columns]"""
    points: Reals
    """[V, columns]"""
    extra: Reals
    """[V + pairs, T] points for this trainer beside the road (nights, not preferred); infinite when they cannot. Rows
    from V on are for the second of a pair
    """
    works: Bools
    """[calendars, T, D] whether a trainer can begin a block on the day"""
    is_open: Bools
    """[doors, D] whether the enterprises can"""
    week: Ints
    """[D]"""
    load_cost: Sums
    """[T, n] points for n visits of the plan"""
    road: Reals
    """[P + T, P] points; the homes of the trainers are the last rows"""
    drive: Minutes
    """[P + T, P] minutes; the one large table of whole numbers, so it is narrow"""
    fixed: Ints
    """[F, columns] what is booked, in the order of time within each day"""
    rules: Sums


FIRST_VISIT, CANDIDATES_FROM, RANK, WHOLE, TOGETHER, FOLLOWERS_FROM, UNIT_COLUMNS = range(7)
"""Columns of `units`: rank in the order of bands (lower ones are put in first); whether continuity is a rule; whether it is
placed entirely or not at all; where the candidates (nearest first) and the units not placed without it begin in `lists`.
"""
(
    UNIT, EARLIEST, LATEST, TARGET, PLACE, MINUTES, BLOCK, CREW, ALONE, CALENDAR, SECOND_CALENDAR, DOORS, GAP_MIN, GAP_MAX,
    GROUP, GUARDED, PAIR_ROW, BANDS_FROM, GUESTS_FROM, MOST_AWAY, AWAY_FROM, VISIT_COLUMNS,
) = range(22)  # fmt: skip
"""Columns of `visits`: days on end (BLOCK); whether it shares no day with another visit (ALONE: blocks, pairs, online); rows of
`works` for lead and second, of `is_open`, of `extra` for the second; days between first days to the visit before it in its
unit; visits whose change of trainer costs (GROUP); whether another visit of an enterprise could fall on its day (GUARDED).
how many guests of a classroom may stay away (MOST_AWAY), and where `lists` says which: their bits, a row of `is_open` for each guest,
and for each trainer the bits of those who would have to. -1 is none; a PLACE of -1 is at home.
"""
BAND_OTHER, BAND_LATER, BAND_MIN, BAND_MAX, BAND_GUEST, BAND_COLUMNS = range(6)
"""Columns of `bands`: the other visit, whether this one is the later, days between first days, whom it is about: `EVERYBODY`, one guest of
the classroom at one of its ends, by number, or (`SAME_GROUP`) each guest of the classrooms at both.
"""
EVERYBODY, SAME_GROUP = -1, -2
PER_DAY, PER_WEEK, TRAINER_COLUMNS = range(3)
OFF_TARGET, LEFT_OUT, POINT_COLUMNS = range(3)
"""Columns of `points`: per day off target, and for not being placed."""
FIXED_TRAINER, FIXED_DAY, FIXED_PLACE, FIXED_START, FIXED_END, FIXED_VISIT, FIXED_COLUMNS = range(7)
OPENING, LONGEST, GRID, PER_MINUTE, PER_CHANGE, NIGHT, RULES = range(7)
"""Positions in `rules`: minutes the day is open, longest day and grid in minutes, points per minute after opening and per
trainer changed, minutes of road that fit between two days (`NO_LIMIT`: all roads do).
"""
