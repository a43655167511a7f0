"""What the clock, a lost alert and a lost owner do to a case. Pure; `now` comes in.

Every way out of these functions leaves an open case with a deadline: they are what makes that a case cannot go quiet.
"""

from datetime import datetime
from uuid import UUID

from services.visits.domain.case import (
    Alerted,
    AlertKind,
    Case,
    Decision,
    OwnerLost,
    Standing,
    Terms,
    TierEmpty,
)


def open_case(case: Case, terms: Terms, now: datetime) -> Decision:
    """Alert the first tier that has anybody at once."""
    return _climb(Decision(case), terms, now, AlertKind.OPENED, "opened")


def step_due(case: Case, terms: Terms, now: datetime) -> Decision:
    """The one deadline of the case has come."""
    decision = Decision(case)
    match case.standing:
        case Standing.ALERTING:
            return _climb(decision, terms, now, AlertKind.ESCALATED, "no_acknowledgement")
        case Standing.UNOWNED:
            return _page_unowned(decision, terms, now, "still_unowned")
        case Standing.OWNED:
            return _ask_owner_again(decision, terms, now)
        case Standing.ASKED:
            return lose_owner(case, terms, now, "no_answer_when_asked_again")
        case Standing.CLOSING:
            return ask_approvers(decision, terms, now, "no_approval")
        case Standing.CLOSED:
            return decision


def lose_alert(case: Case, step: int, terms: Terms, now: datetime) -> Decision:
    """The alert of `step` reached nobody: that counts as unanswered at once. An older step's is history.

    Unowned and closing are paged again by the clock; answering each lost page with another would only spin.
    """
    decision = Decision(case)
    if step != case.step:
        return decision
    if case.standing is Standing.ALERTING:
        return _climb(decision, terms, now, AlertKind.ESCALATED, "alert_lost")
    if case.standing is Standing.ASKED:
        return lose_owner(case, terms, now, "alert_lost")
    if case.standing is Standing.UNOWNED and case.due_at is not None:
        again_at = terms.pack.deadline(terms.pack.repage_lost, now, terms.calendar)
        return decision.then(due_at=min(case.due_at, again_at)) if again_at < case.due_at else decision
    return decision


def lose_owner(case: Case, terms: Terms, now: datetime, cause: str) -> Decision:
    """Nobody has the case any longer (silence, exclusion, or the person left): the next tier is alerted at once."""
    decision = Decision(case)
    if case.owner_id is not None:
        decision = decision.then(OwnerLost(case.owner_id, cause), owner_id=None, proposed_outcome=None, proposed_by=None)
    return _climb(decision, terms, now, AlertKind.ESCALATED, cause)


def review_roster(case: Case, terms: Terms, now: datetime) -> Decision:
    """Exclusions or people changed: a case must not be with somebody who may not have it, nor wait for nobody."""
    if not case.is_open:
        return Decision(case)
    if case.owner_id is not None and not terms.roster.knows(case.owner_id):
        return lose_owner(case, terms, now, "owner_excluded")
    if case.proposed_by is not None and not terms.roster.knows(case.proposed_by):
        return lose_owner(case, terms, now, "proposer_excluded")
    if case.standing is Standing.ALERTING and not terms.roster.of(terms.pack.tiers[case.tier - 1].role):
        return _climb(Decision(case), terms, now, AlertKind.ESCALATED, "tier_excluded")
    return Decision(case)


def ask_approvers(decision: Decision, terms: Terms, now: datetime, cause: str) -> Decision:
    """Tell everybody who may be the second person."""
    case, pack = decision.case, terms.pack
    barred = {case.proposed_by, case.raised_by}
    able = tuple(person for person in terms.roster.of(*sorted(pack.may["approve"])) if person not in barred)
    recipients = able or tuple(person for person in terms.roster.elsewhere if person not in barred)
    due_at = pack.deadline(pack.approve_within, now, terms.calendar)
    alert = Alerted(AlertKind.CLOSURE, case.step + 1, case.tier, recipients, due_at, cause)
    return decision.then(alert, standing=Standing.CLOSING, step=case.step + 1, due_at=due_at)


def _climb(decision: Decision, terms: Terms, now: datetime, kind: AlertKind, cause: str) -> Decision:
    case, pack = decision.case, terms.pack
    for tier in range(case.tier + 1, len(pack.tiers) + 1):
        role = pack.tiers[tier - 1].role
        recipients = terms.roster.of(role)
        if not recipients:
            decision = decision.then(TierEmpty(tier, role))
            continue
        due_at = pack.deadline(pack.tiers[tier - 1].respond, now, terms.calendar)
        step = decision.case.step + 1
        alert = Alerted(kind, step, tier, recipients, due_at, cause)
        return decision.then(alert, standing=Standing.ALERTING, tier=tier, step=step, due_at=due_at)
    if kind is AlertKind.OPENED:
        # Everybody is excluded: the case still opens, in words of its own, before it stands in unowned.
        due_at = pack.deadline(pack.page_unowned, now, terms.calendar)
        decision = decision.then(Alerted(kind, case.step + 1, 0, (), due_at, cause), step=case.step + 1)
    return _page_unowned(decision, terms, now, cause)


def _page_unowned(decision: Decision, terms: Terms, now: datetime, cause: str) -> Decision:
    case, pack = decision.case, terms.pack
    recipients = last_resort(terms)
    due_at = pack.deadline(pack.page_unowned, now, terms.calendar)
    last = len(pack.tiers)
    alert = Alerted(AlertKind.UNOWNED, case.step + 1, last, recipients, due_at, cause)
    return decision.then(
        alert, standing=Standing.UNOWNED, tier=last, step=case.step + 1, owner_id=None, due_at=due_at
    )


def last_resort(terms: Terms) -> tuple[UUID, ...]:
    """The last tier and the head; where the protocol excludes them all, heads elsewhere or administrators.

    Also kept beside the case, so that telling them needs no decision when deciding itself fails.
    """
    return terms.roster.of(terms.pack.tiers[-1].role, "head") or terms.roster.elsewhere


def _ask_owner_again(decision: Decision, terms: Terms, now: datetime) -> Decision:
    case, pack = decision.case, terms.pack
    owner = case.owner_id
    if owner is None or not terms.roster.knows(owner):
        return lose_owner(case, terms, now, "owner_gone")
    due_at = pack.deadline(pack.ask_again, now, terms.calendar)
    alert = Alerted(AlertKind.LAPSED, case.step + 1, case.tier, (owner,), due_at, "shelf_life_over")
    return decision.then(alert, standing=Standing.ASKED, step=case.step + 1, due_at=due_at)
