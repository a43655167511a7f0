"""What the scheduler knows reaches the planner unchanged, and nothing comes back that may not be told."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

from services.scheduler.domain.gaps import Distance
from services.scheduler.domain.world import (
    Booking,
    CertificateHeld,
    Left,
    Seat,
    Site,
    TrainerKnown,
    Wish,
    World,
)
from services.scheduler.planner import Reason
from services.scheduler.planning import tasks, worker
from services.scheduler.planning.instance_of import instance_of, placement_of, seat_of, why_of

DAYS = frozenset({1, 2, 3, 4, 7})
SITE = Site(uuid4(), 23.8, 90.4, "Dhaka", "Asia/Dhaka", DAYS, frozenset({"bn"}), frozenset({"bn"}), ())
TRAINERS = tuple(
    TrainerKnown(
        uuid4(), 23.7, 90.4, "Dhaka", frozenset({"bn"}),
        (CertificateHeld("WC", "certified", date(2025, 1, 1), None),), (), 2, 4, frozenset(), DAYS,
    )
    for _ in range(3)
)  # fmt: skip
WORLD = World("BD", 7, "Asia/Dhaka", TRAINERS, (SITE,), (), {"Dhaka": frozenset({date(2026, 3, 26)})})
WISH = Wish(
    uuid4(), "visit_1", "consultancy", "WC", (SITE.enterprise_id,), 240, 1, online=False,
    first=date(2026, 3, 8), last=date(2026, 3, 19), target=date(2026, 3, 10),
)  # fmt: skip
SEAT = Seat(WISH.visit_id, TRAINERS[0].trainer_id, date(2026, 3, 10), time(8), time(12))


def test_a_booking_reaches_the_planner_on_the_country_s_clock() -> None:
    booking = Booking(
        uuid4(),
        frozenset({TRAINERS[0].trainer_id}),
        frozenset({SITE.enterprise_id}),
        datetime(2026, 3, 10, 3, 0, tzinfo=UTC),
        datetime(2026, 3, 10, 7, 0, tzinfo=UTC),
        (23.8, 90.4),
    )
    (booked,) = instance_of(replace(WORLD, bookings=(booking,)), [WISH]).booked
    assert (booked.start.isoformat(), booked.end.isoformat()) == ("2026-03-10T09:00:00", "2026-03-10T13:00:00")


def test_a_distance_to_a_visit_without_a_place_is_left_out() -> None:
    wish = replace(WISH, after=(Distance(uuid4(), 7, 21),))
    assert instance_of(WORLD, [wish]).jobs[0].after == ()


def test_a_seat_survives_the_way_there_and_back() -> None:
    assert seat_of(placement_of(SEAT)) == SEAT


def test_everything_that_crosses_the_process_boundary_pickles() -> None:
    assert pickle.loads(pickle.dumps((WORLD, WISH, SEAT, tasks.PLACE))) == (WORLD, WISH, SEAT, tasks.PLACE)


def test_reasons_never_tell_who_was_excluded() -> None:
    enterprise = str(SITE.enterprise_id)
    told = why_of(
        [
            Reason("excluded", "found the case", enterprise, "follow_up", str(TRAINERS[0].trainer_id)),
            Reason("nobody_allowed", "the finder of the case", enterprise, "follow_up"),
        ]
    )
    assert [one.code for one in told] == ["nobody_allowed"]
    assert "case" not in told[0].text


def test_the_next_best_is_never_somebody_forbidden() -> None:
    forbidden = frozenset({TRAINERS[0].trainer_id, TRAINERS[1].trainer_id})
    answer = worker.replace_trainer(WORLD, replace(WISH, forbidden=forbidden), SEAT, 0.5)
    assert isinstance(answer, Seat)
    assert (answer.trainer_id, answer.day) == (TRAINERS[2].trainer_id, SEAT.day)
    nobody = worker.replace_trainer(
        WORLD, replace(WISH, forbidden=frozenset(one.trainer_id for one in TRAINERS)), SEAT, 0.5
    )
    assert isinstance(nobody, Left)
    assert nobody.reasons[0].code == "pool_dry"


def test_a_former_day_that_is_too_near_is_not_kept() -> None:
    wish = replace(WISH, first=SEAT.day + timedelta(days=1), forbidden=frozenset({SEAT.trainer_id}))
    answer = worker.replace_trainer(WORLD, wish, SEAT, 0.5)
    assert isinstance(answer, Seat)
    assert answer.day > SEAT.day


def test_a_window_that_has_passed_says_so_instead_of_failing() -> None:
    late = replace(WISH, first=WISH.last + timedelta(days=1))
    for answer in (worker.place(WORLD, late, 0.5), worker.replace_trainer(WORLD, late, SEAT, 0.5)):
        assert isinstance(answer, Left)
        assert answer.reasons[0].code == "window_passed"
    proposal = worker.plan_cohort(WORLD, [late, replace(WISH, visit_id=uuid4())], 0.1)
    assert (len(proposal.seats), proposal.left[0].visit_id, proposal.clashes) == (1, late.visit_id, ())


def test_the_present_world_is_what_a_plan_is_held_against() -> None:
    assert worker.recheck(WORLD, [WISH], [SEAT]) == ()
    on_leave = replace(TRAINERS[0], leave=((SEAT.day, SEAT.day),))
    clashes = worker.recheck(replace(WORLD, trainers=(on_leave, *TRAINERS[1:])), [WISH], [SEAT])
    assert [clash.rule for clash in clashes] == ["leave"]
    gone = worker.recheck(replace(WORLD, trainers=TRAINERS[1:]), [WISH], [SEAT])
    assert [clash.rule for clash in gone] == ["known_ids"]
    assert [one.rule for one in worker.recheck(WORLD, [replace(WISH, first=date(2026, 4, 1))], [SEAT])] == ["window"]
