"""What one more visit would meet on a trainer's day, in one number, and fingerprints of what is on the days of a week."""

from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.problem import BLOCK, PER_DAY, PER_WEEK, Problem
from services.scheduler.planner.search.state import EMPTY, FULL, MANY, STOPS, VISITS, State


@compiled
def fingerprint(a: int, b: int) -> int:
    """A number that stands for a pair of numbers; sums of them stand for sets (64 bits, so two sets hardly ever meet)."""
    x = (a * 1_000_003 + b + 12_345) * -7_046_029_254_386_353_131
    x ^= (x >> 29) & 0x7FFFFFFFF
    x *= -4_658_895_280_553_007_687
    return x ^ ((x >> 32) & 0xFFFFFFFF)


@compiled
def mark(s: State, row: int, week: int, change: int) -> None:
    """Change the fingerprint of a row of `marks` for a week."""
    for w in range(week + 1, s.marks.shape[1]):
        s.marks[row, w] += change


@compiled
def look(p: Problem, s: State, trainer: int, day: int) -> None:
    """Say again what one more visit on a day would meet."""
    if (
        s.in_week[trainer, p.week[day]] >= p.trainers[trainer, PER_WEEK]
        or s.on_day[trainer, day, VISITS] >= p.trainers[trainer, PER_DAY]
    ):
        s.seats[trainer, day] = FULL
    elif s.on_day[trainer, day, STOPS] == 0:
        s.seats[trainer, day] = EMPTY
    elif s.on_day[trainer, day, STOPS] == 1 and s.slots[trainer, day, 0] >= 0:
        s.seats[trainer, day] = s.slots[trainer, day, 0]
    else:
        s.seats[trainer, day] = MANY


@compiled
def look_around(p: Problem, s: State, visit: int, trainer: int, first: int) -> None:
    """The same after a visit came or went: its days, and their whole weeks where one has just become full or open."""
    for d in range(first, first + p.visits[visit, BLOCK]):
        look(p, s, trainer, d)
        week, cap = p.week[d], p.trainers[trainer, PER_WEEK]
        if cap - 1 <= s.in_week[trainer, week] <= cap + p.visits[visit, BLOCK]:
            e = d - 1
            while e >= 0 and p.week[e] == week:
                look(p, s, trainer, e)
                e -= 1
            e = d + 1
            while e < len(p.week) and p.week[e] == week:
                look(p, s, trainer, e)
                e += 1
