"""Where the search stands: who is where on which day, and what it costs so far."""

from typing import NamedTuple

import numpy as np

from services.scheduler.planner.search.problem import INT, Bools, Ints, Problem, Sums


class State(NamedTuple):
    """Everything that taking a visit in or out changes. The functions of `seat` keep it consistent."""

    placed: Ints
    """[V, 4] lead, second, day, -1 while not placed; who stays away from a classroom, a bit for each of its guests"""
    slots: Ints
    """[T, D, K] stops in the order of the day: visits, and -2 - f for row f of what is booked"""
    on_day: Ints
    """[T, D, 2] stops of the day; visits of the day (a block counts as many as the day may have)"""
    in_week: Ints
    """[T, weeks] visit days"""
    of_trainer: Ints
    """[T, 3] visits of the plan; places they go to, and a fingerprint of those"""
    day_cost: Sums
    """[T, D] road and lateness of the day's stops"""
    taken: Bools
    """[enterprises, D]"""
    places: Ints
    """[T, P] places where a trainer has visits, in no order"""
    at_place: Ints
    """[T, P] visits of a trainer at a place"""
    seats: Ints
    """[T, D] what one more visit would meet: `FULL`, `EMPTY`, `MANY` stops or a booked one, else the only visit of the day"""
    marks: Ints
    """[T + enterprises, weeks + 1] fingerprints of what a trainer has in all weeks before one, and of the days of an
    enterprise that are taken
    """
    sums: Sums
    """points of the whole plan; cells priced since the driver last read it"""


LEAD, SECOND, DAY, AWAY = range(4)
STOPS, VISITS = range(2)
LOAD, PLACES, PLACES_MARK = range(3)
TOTAL, CELLS = range(2)
FULL, EMPTY, MANY = -1, -2, -3


def empty(problem: Problem, slots: int, enterprises: int) -> State:
    """A state in which nothing is placed; `seat.open_book` then takes in what is booked."""
    trainers, places = len(problem.trainers), max(1, problem.road.shape[1])
    visits, days = len(problem.points), len(problem.week)
    weeks = int(problem.week.max(initial=0)) + 1

    def ints(*shape: int, fill: int = 0) -> Ints:
        return np.full(shape, fill, INT)

    placed = ints(visits, 4, fill=-1)
    placed[:, AWAY] = 0
    return State(
        placed=placed,
        slots=ints(trainers, days, slots, fill=-1),
        on_day=ints(trainers, days, 2),
        in_week=ints(trainers, weeks),
        of_trainer=ints(trainers, 3),
        day_cost=np.zeros((trainers, days)),
        taken=np.zeros((max(1, enterprises), days), np.bool_),
        places=ints(trainers, places),
        at_place=ints(trainers, places),
        seats=ints(trainers, days, fill=EMPTY),
        marks=ints(trainers + max(1, enterprises), weeks + 1),
        sums=np.zeros(2),
    )
