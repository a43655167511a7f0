"""What people do to a case. Each raises `Rejected` that says what stands in the way and what would be right.

Whether somebody may see the case at all is decided before (`access`): to whoever may not, it does not exist.
"""

from datetime import datetime
from uuid import UUID

from services.visits.domain.case import (
    Acknowledged,
    Case,
    Closed,
    Confirmed,
    Decision,
    Outcome,
    Proposed,
    Renewed,
    Returned,
    Stage,
    Standing,
    Terms,
    Verification,
    VerificationAsked,
    VerificationNoted,
)
from services.visits.domain.escalation import ask_approvers
from shared.errors import Rejected

_WITH_OWNER = {Standing.OWNED, Standing.ASKED}


def acknowledge(case: Case, by: UUID, terms: Terms, now: datetime, *, take_over: bool = False) -> Decision:
    """Take the case. Re-arms, never disarms: an acknowledgement has a shelf-life.

    From somebody who has it, only with `take_over`: two people must not both believe that it is theirs.
    """
    _check_open(case)
    if case.standing is Standing.OWNED and case.owner_id == by:
        return Decision(case)
    if case.standing is Standing.OWNED and not take_over:
        raise Rejected(
            "already_acknowledged", 409, "Somebody else has acknowledged this case and owns it; take it over if you must."
        )
    if case.standing is Standing.CLOSING:
        raise Rejected("closure_proposed", 409, "Closing this case has been proposed: approve or return that.")
    valid_until = _shelf_life(terms, now)
    return Decision(case).then(
        Acknowledged(by, valid_until), standing=Standing.OWNED, owner_id=by, due_at=valid_until
    )


def note_progress(case: Case, by: UUID, terms: Terms, now: datetime) -> Decision:
    """A note by the owner renews the shelf-life; anybody else's is kept and renews nothing."""
    _check_open(case)
    if case.standing in _WITH_OWNER and case.owner_id == by:
        return _renew(Decision(case), by, terms, now)
    return Decision(case)


def confirm(case: Case, by: UUID, terms: Terms, now: datetime) -> Decision:
    """From suspected to confirmed."""
    _check_owner(case, by)
    if case.stage is Stage.CONFIRMED:
        return Decision(case)
    valid_until = _shelf_life(terms, now)
    return Decision(case).then(
        Confirmed(by, valid_until), stage=Stage.CONFIRMED, standing=Standing.OWNED, due_at=valid_until
    )


def ask_verification(case: Case, by: UUID, visit_id: UUID, terms: Terms, now: datetime) -> Decision:
    """Want a visit by somebody independent; only of what is confirmed."""
    _check_owner(case, by)
    if case.stage is not Stage.CONFIRMED:
        raise Rejected("not_confirmed", 409, "Only a confirmed case is verified: confirm it first.")
    if case.enterprise_id is None:
        raise Rejected("no_enterprise", 409, "This case names no enterprise, so there is nowhere to send anybody.")
    if case.verification in {Verification.WANTED, Verification.PLANNED}:
        raise Rejected("verification_wanted", 409, "A verification visit has been asked for already.")
    decision = Decision(case).then(
        VerificationAsked(visit_id), verification=Verification.WANTED, verification_visit_id=visit_id
    )
    return _renew(decision, by, terms, now)


def note_verification(case: Case, visit_id: UUID, what: Verification) -> Decision:
    """The timetable or a report says what became of the visit. It changes no deadline."""
    if case.verification_visit_id != visit_id or case.verification is what or not case.is_open:
        return Decision(case)
    return Decision(case).then(VerificationNoted(visit_id, what), verification=what)


def propose_closure(
    case: Case, by: UUID, outcome: Outcome, *, has_reason: bool, terms: Terms, now: datetime
) -> Decision:
    """Say how it ended. Cancelled: it was not so. Resolved: it was, and is no more."""
    if case.standing is Standing.CLOSING and case.proposed_by == by and case.proposed_outcome is outcome:
        return Decision(case)
    _check_owner(case, by)
    if by == case.raised_by:
        raise Rejected("raiser_cannot_close", 409, "Whoever raised a case does not resolve it: somebody else takes it over first.")
    if outcome is Outcome.CANCELLED and case.stage is Stage.CONFIRMED:
        raise Rejected("confirmed_not_cancelled", 409, "A confirmed case ends resolved; it cannot be cancelled.", field="outcome")
    if outcome is Outcome.RESOLVED and case.stage is not Stage.CONFIRMED:
        raise Rejected("not_confirmed", 409, "Only a confirmed case is resolved: confirm it, or propose to cancel it.", field="outcome")
    if not has_reason and (outcome is Outcome.CANCELLED or case.verification is not Verification.DONE):
        needed = (
            "why it is cancelled" if outcome is Outcome.CANCELLED else "why it is resolved without a verification visit"
        )
        raise Rejected("reason_missing", 422, f"Write down {needed}.", field="reason")
    decision = Decision(case).then(Proposed(outcome, by), proposed_outcome=outcome, proposed_by=by)
    return ask_approvers(decision, terms, now, "proposed")


def approve_closure(case: Case, by: UUID) -> Decision:
    """The second person agrees: only now the case is closed, and only now its deadline goes."""
    if case.standing is Standing.CLOSED and case.approved_by == by:
        return Decision(case)
    outcome, proposed_by = _check_second_person(case, by)
    return Decision(case).then(
        Closed(outcome, proposed_by, by), standing=Standing.CLOSED, outcome=outcome, approved_by=by, due_at=None
    )


def return_closure(case: Case, by: UUID, terms: Terms, now: datetime) -> Decision:
    """The second person does not agree: back to the owner, who has a new shelf-life."""
    _, proposed_by = _check_second_person(case, by)
    owner = case.owner_id or proposed_by
    valid_until = _shelf_life(terms, now)
    return Decision(case).then(
        Returned(by, owner, valid_until),
        standing=Standing.OWNED,
        owner_id=owner,
        proposed_outcome=None,
        proposed_by=None,
        due_at=valid_until,
    )


def possible_acts(case: Case, by: UUID) -> tuple[str, ...]:
    """What this person could do to the case now, as far as its state goes: what its page offers."""
    if not case.is_open:
        return ()
    acts = ["note"]
    if case.standing is Standing.CLOSING:
        return (*acts, "approve", "return") if by not in {case.proposed_by, case.raised_by} else tuple(acts)
    if case.owner_id != by or case.standing is not Standing.OWNED:
        acts.append("acknowledge" if case.standing is not Standing.OWNED else "take_over")
    if case.owner_id == by and case.standing in _WITH_OWNER:
        if case.stage is Stage.SUSPECTED:
            acts.append("confirm")
        elif case.enterprise_id is not None and case.verification in {Verification.NONE, Verification.DONE}:
            acts.append("verification")
        if by != case.raised_by:
            acts.append("propose")
    return tuple(acts)


def _check_open(case: Case) -> None:
    if not case.is_open:
        raise Rejected("case_closed", 409, f"This case is closed ({case.outcome}); nothing more can be done to it.")


def _check_owner(case: Case, by: UUID) -> None:
    _check_open(case)
    if case.standing is Standing.CLOSING:
        raise Rejected("closure_proposed", 409, "Closing this case has been proposed: approve or return that first.")
    if case.standing not in _WITH_OWNER or case.owner_id != by:
        raise Rejected("not_owner", 409, "Only whoever has acknowledged this case can do that: acknowledge it first.")


def _check_second_person(case: Case, by: UUID) -> tuple[Outcome, UUID]:
    _check_open(case)
    if case.standing is not Standing.CLOSING or case.proposed_outcome is None or case.proposed_by is None:
        raise Rejected("nothing_proposed", 409, "Nobody has proposed to close this case.")
    if by == case.proposed_by:
        raise Rejected("second_person_needed", 409, "You proposed this; somebody else must decide on it.")
    if by == case.raised_by:
        raise Rejected("raiser_cannot_close", 409, "Whoever raised a case does not close it; somebody else must.")
    return case.proposed_outcome, case.proposed_by


def _renew(decision: Decision, by: UUID, terms: Terms, now: datetime) -> Decision:
    valid_until = _shelf_life(terms, now)
    return decision.then(Renewed(by, valid_until), standing=Standing.OWNED, due_at=valid_until)


def _shelf_life(terms: Terms, now: datetime) -> datetime:
    return terms.pack.deadline(terms.pack.shelf_life, now, terms.calendar)
