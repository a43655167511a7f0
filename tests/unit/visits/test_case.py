"""An open case cannot go quiet: whatever people and the clock do to it, in whatever order."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.visits.domain import case_acts, escalation
from services.visits.domain.case import (
    Acknowledged,
    Alerted,
    Case,
    Closed,
    Decision,
    Outcome,
    Roster,
    Standing,
    Terms,
    Verification,
)
from services.visits.domain.working_time import Calendar
from services.visits.packs import load_packs
from shared.errors import Rejected

PACK = load_packs().current
TRAINER = UUID(int=1)
STAFF = {
    "officer": (UUID(int=10), UUID(int=11)),
    "deputy": (UUID(int=20),),
    "head": (UUID(int=30),),
}
ELSEWHERE = (UUID(int=40),)
EVERYBODY = tuple(person for persons in STAFF.values() for person in persons) + ELSEWHERE
NOON = datetime(2026, 3, 3, 6, tzinfo=UTC)


def terms(*excluded: UUID) -> Terms:
    out = frozenset(excluded)
    by_role = {role: tuple(one for one in persons if one not in out) for role, persons in STAFF.items()}
    elsewhere = tuple(one for one in ELSEWHERE if one not in out)
    return Terms(PACK, Calendar(PACK.week_of("BD")), Roster(by_role, elsewhere, out))


def fresh(raised_by: UUID = TRAINER) -> Case:
    return Case(UUID(int=99), "BD", 4, UUID(int=7), raised_by, NOON)


def alerts(decision: Decision) -> list[tuple[str, int, tuple[UUID, ...]]]:
    return [(one.kind, one.tier, one.recipients) for one in decision.events if isinstance(one, Alerted)]


def test_the_first_tier_is_told_at_once() -> None:
    assert alerts(escalation.open_case(fresh(), terms(), NOON)) == [("opened", 1, STAFF["officer"])]


def test_an_empty_tier_is_passed_over_at_once() -> None:
    decision = escalation.open_case(fresh(), terms(*STAFF["officer"], *STAFF["deputy"]), NOON)
    assert alerts(decision) == [("opened", 3, STAFF["head"])]


def test_with_everybody_excluded_it_opens_and_stands_unowned_with_whoever_is_left() -> None:
    out = [person for person in EVERYBODY if person not in ELSEWHERE]
    decision = escalation.open_case(fresh(), terms(*out), NOON)
    assert alerts(decision) == [("opened", 0, ()), ("unowned", 3, ELSEWHERE)]
    nobody = escalation.open_case(fresh(), terms(*EVERYBODY), NOON)
    assert alerts(nobody)[-1] == ("unowned", 3, ())
    assert nobody.case.due_at is not None


def test_a_step_that_is_history_cannot_lose_its_alert_again() -> None:
    case = escalation.open_case(fresh(), terms(), NOON).case
    once = escalation.lose_alert(case, case.step, terms(), NOON).case
    assert escalation.lose_alert(once, case.step, terms(), NOON) == Decision(once)


def test_losing_every_alert_again_and_again_ends_in_unowned_and_does_not_spin() -> None:
    case = escalation.open_case(fresh(), terms(), NOON).case
    for _ in range(10):
        case = escalation.lose_alert(case, case.step, terms(), NOON).case
    assert (case.standing, case.step) == (Standing.UNOWNED, 4)
    assert case.due_at == NOON + timedelta(hours=1)


def owned(by: UUID = STAFF["officer"][0], raised_by: UUID = TRAINER) -> Case:
    case = escalation.open_case(fresh(raised_by), terms(), NOON).case
    return case_acts.acknowledge(case, by, terms(), NOON).case


def test_after_the_shelf_life_the_owner_is_asked_once_and_then_the_next_tier() -> None:
    lapsed = escalation.step_due(owned(), terms(), NOON)
    assert alerts(lapsed) == [("lapsed", 1, (STAFF["officer"][0],))]
    assert alerts(escalation.step_due(lapsed.case, terms(), NOON)) == [("escalated", 2, STAFF["deputy"])]


def test_confirming_when_asked_again_is_an_answer() -> None:
    asked = escalation.step_due(owned(), terms(), NOON).case
    confirmed = case_acts.confirm(asked, STAFF["officer"][0], terms(), NOON).case
    assert confirmed.standing is Standing.OWNED


def test_the_owner_who_is_excluded_is_not_asked_again() -> None:
    out = STAFF["officer"][0]
    decision = escalation.step_due(owned(), terms(out), NOON)
    assert alerts(decision) == [("escalated", 2, STAFF["deputy"])]
    assert decision.case.owner_id is None


def proposed(by: UUID = STAFF["officer"][0]) -> Case:
    case = owned(by)
    return case_acts.propose_closure(case, by, Outcome.CANCELLED, has_reason=True, terms=terms(), now=NOON).case


@pytest.mark.parametrize(
    ("by", "code"), [(STAFF["officer"][0], "second_person_needed"), (TRAINER, "raiser_cannot_close")]
)
def test_neither_proposer_nor_raiser_approves(by: UUID, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        case_acts.approve_closure(proposed(), by)
    assert refused.value.code == code


def test_a_verified_case_needs_no_reason_and_an_unverified_one_does() -> None:
    officer = STAFF["officer"][0]
    confirmed = case_acts.confirm(owned(), officer, terms(), NOON).case
    verified = replace(confirmed, verification=Verification.DONE)
    case_acts.propose_closure(verified, officer, Outcome.RESOLVED, has_reason=False, terms=terms(), now=NOON)
    with pytest.raises(Rejected, match="without a verification visit"):
        case_acts.propose_closure(confirmed, officer, Outcome.RESOLVED, has_reason=False, terms=terms(), now=NOON)


def test_only_a_confirmed_case_at_an_enterprise_is_verified() -> None:
    officer = STAFF["officer"][0]
    with pytest.raises(Rejected, match="confirm it first"):
        case_acts.ask_verification(owned(), officer, UUID(int=5), terms(), NOON)
    confirmed = case_acts.confirm(owned(), officer, terms(), NOON).case
    with pytest.raises(Rejected, match="nowhere to send"):
        case_acts.ask_verification(replace(confirmed, enterprise_id=None), officer, UUID(int=5), terms(), NOON)


def test_what_a_page_offers_is_what_would_be_granted() -> None:
    for case in (escalation.open_case(fresh(), terms(), NOON).case, owned(), proposed()):
        for person in EVERYBODY:
            assert set(_granted(case, person)) == set(case_acts.possible_acts(case, person))


def _granted(case: Case, by: UUID) -> list[str]:
    tries = {
        "note": lambda: case_acts.note_progress(case, by, terms(), NOON),
        "confirm": lambda: case_acts.confirm(case, by, terms(), NOON),
        "verification": lambda: case_acts.ask_verification(case, by, UUID(int=5), terms(), NOON),
        "propose": lambda: case_acts.propose_closure(
            case, by, Outcome.CANCELLED, has_reason=True, terms=terms(), now=NOON
        ),
        "approve": lambda: case_acts.approve_closure(case, by),
        "return": lambda: case_acts.return_closure(case, by, terms(), NOON),
        "acknowledge": lambda: case_acts.acknowledge(case, by, terms(), NOON),
        "take_over": lambda: case_acts.acknowledge(case, by, terms(), NOON, take_over=True),
    }
    found = []
    for act, attempt in tries.items():
        try:
            decision = attempt()
        except Rejected:
            continue
        if act in {"acknowledge", "take_over"} and not decision.events:
            continue
        if act == "propose" and case.standing is Standing.CLOSING:
            continue  # the same proposal again is the same proposal
        found.append(act)
    if "acknowledge" in found:
        found.remove("take_over")
    return found


@dataclass
class Seen:
    """What the machine remembers beside the case."""

    excluded: tuple[UUID, ...] = ()
    closed_by: frozenset[UUID] = frozenset()


class AnyLife(RuleBasedStateMachine):
    """Random sequences of acts, deadlines, lost alerts and exclusions."""

    @initialize(raised_by=st.sampled_from((TRAINER, *EVERYBODY)), out=st.sets(st.sampled_from(EVERYBODY), max_size=5))
    def opened(self, raised_by: UUID, out: set[UUID]) -> None:
        self.now = NOON
        self.seen = Seen(tuple(out))
        self.case = fresh(raised_by)
        self.follow(escalation.open_case(self.case, self.terms, self.now))

    @property
    def terms(self) -> Terms:
        return terms(*self.seen.excluded)

    def follow(self, decision: Decision) -> None:
        for event in decision.events:
            if isinstance(event, Alerted):
                assert not set(event.recipients) & set(self.seen.excluded), "an excluded person was told"
                assert event.respond_by > self.now
            if isinstance(event, Acknowledged):
                assert event.owner_id not in self.seen.excluded
            if isinstance(event, Closed):
                assert len({event.proposed_by, event.approved_by, self.case.raised_by}) == 3
        assert decision.case.step >= self.case.step
        self.case = decision.case

    @rule(hours=st.integers(0, 60))
    def time_passes(self, hours: int) -> None:
        end = self.now + timedelta(hours=hours)
        while self.case.due_at is not None and self.case.due_at <= end:
            self.now = self.case.due_at
            self.follow(escalation.step_due(self.case, self.terms, self.now))
        self.now = end

    @rule(back=st.integers(0, 2))
    def alert_is_lost(self, back: int) -> None:
        if self.case.is_open:
            self.follow(escalation.lose_alert(self.case, self.case.step - back, self.terms, self.now))

    @rule(person=st.sampled_from(EVERYBODY))
    def somebody_is_excluded(self, person: UUID) -> None:
        self.seen.excluded = (*self.seen.excluded, person)
        self.follow(escalation.review_roster(self.case, self.terms, self.now))

    @rule(
        person=st.sampled_from(EVERYBODY),
        act=st.sampled_from(
            ["acknowledge", "take_over", "note", "confirm", "verify", "resolve", "cancel", "approve", "return"]
        ),
        reason=st.booleans(),
    )
    def somebody_acts(self, person: UUID, act: str, reason: bool) -> None:
        if person in self.seen.excluded:
            return  # to them it does not exist: decided before any act
        owner = self.case.owner_id
        by = owner if owner is not None and act in {"note", "confirm", "verify", "resolve", "cancel"} else person
        try:
            decision = self.decide(act, by, reason)
        except Rejected:
            return
        self.follow(decision)

    def decide(self, act: str, by: UUID, reason: bool) -> Decision:
        case, now = self.case, self.now
        match act:
            case "acknowledge" | "take_over":
                return case_acts.acknowledge(case, by, self.terms, now, take_over=act == "take_over")
            case "note":
                return case_acts.note_progress(case, by, self.terms, now)
            case "confirm":
                return case_acts.confirm(case, by, self.terms, now)
            case "verify":
                return case_acts.ask_verification(case, by, UUID(int=5), self.terms, now)
            case "resolve" | "cancel":
                outcome = Outcome.RESOLVED if act == "resolve" else Outcome.CANCELLED
                return case_acts.propose_closure(case, by, outcome, has_reason=reason, terms=self.terms, now=now)
            case "approve":
                return case_acts.approve_closure(case, by)
            case _:
                return case_acts.return_closure(case, by, self.terms, now)

    @invariant()
    def it_is_open_exactly_when_it_has_a_deadline(self) -> None:
        assert self.case.is_open == (self.case.due_at is not None)
        if self.case.due_at is not None:
            assert self.now <= self.case.due_at <= self.now + PACK.longest_step

    @invariant()
    def it_is_with_somebody_who_may_have_it(self) -> None:
        if self.case.is_open:
            assert self.case.owner_id not in self.seen.excluded
            assert self.case.proposed_by not in self.seen.excluded
        if self.case.standing in {Standing.OWNED, Standing.ASKED}:
            assert self.case.owner_id is not None


TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
