"""Plain words for states and codes, in one place: what pages say and with which tone."""

from collections.abc import Iterable

from services.visits.domain.pack import ITEMS

VISIT_STATES = {
    "offered": ("Waiting for your answer", "warn"),
    "confirmed": ("Confirmed", "good"),
    "declined": ("Declined", "neutral"),
    "lapsed": ("Not answered in time", "neutral"),
    "unplaced": ("Without a day", "bad"),
    "missed": ("Report missing", "bad"),
    "reported": ("Reported", "good"),
    "cancelled": ("Cancelled", "neutral"),
}
VISIT_KINDS = {
    "baseline": "Baseline visit",
    "classroom": "Classroom day",
    "consultancy": "Consultancy visit",
    "follow_up": "Follow-up visit",
}
SUSPECTED = {
    1: "Forced labour",
    2: "Freedom of association denied",
    3: "Danger to safety and health",
    4: "Child labour",
    5: "Wages below a living wage",
    6: "Excessive working hours",
    7: "Discrimination",
    8: "Irregular employment",
    9: "Harsh or inhuman treatment",
}
"""What a breach of each clause is called: a case headed by the clause (“No child labour”) would say the opposite."""
STANDINGS = {
    "alerting": ("Waiting for an answer", "bad"),
    "unowned": ("Nobody has it", "bad"),
    "owned": ("Somebody has it", "info"),
    "asked": ("Owner asked once more", "warn"),
    "closing": ("Waiting for a second person", "warn"),
    "closed": ("Closed", "neutral"),
}
ACTION_STATES = {
    "open": ("Open", "warn"),
    "submitted": ("Evidence to be looked at", "info"),
    "visited": ("Visited, to be verified", "info"),
    "verified": ("Verified", "good"),
}
STAGES = {"suspected": ("Suspected", "neutral"), "confirmed": ("Confirmed", "warn")}
VERIFICATIONS = {"none": "Not asked for", "wanted": "Being planned", "planned": "Planned", "done": "Visit made"}
OUTCOMES = {"resolved": "Resolved", "cancelled": "Cancelled"}
ALERTS = {
    "opened": "It was opened",
    "escalated": "Nobody before answered",
    "unowned": "Nobody has it",
    "lapsed": "Asked once more",
    "closure": "A second person is needed",
}
CHANNELS = {"email": "e-mail", "sms": "SMS"}
ACTION_EVENTS = {
    "opened": "Opened",
    "reminded": "Reminder sent",
    "overdue": "Overdue: people told",
    "evidence_submitted": "Evidence submitted",
    "evidence_returned": "Evidence returned",
    "follow_up_wanted": "Follow-up visit asked for",
    "follow_up_withdrawn": "Follow-up visit withdrawn",
    "visited": "Follow-up visit made",
    "verified": "Verified",
}
REASONS = {
    "illness": "I am ill",
    "leave": "I am on leave",
    "conflict_of_interest": "Conflict of interest",
    "workload": "Too much work",
    "travel": "Travel is not possible",
    "enterprise_request": "The enterprise asked for it",
    "conflict": "It clashes with something else",
    "missed": "It did not take place",
    "other": "Another reason",
}
TAP_QUESTION = {
    "accept": "Will you make this visit?",
    "decline": "You cannot make this visit?",
    "report_done": "Everything done, nothing to note?",
    "acknowledge": "A case is waiting for somebody to take it.",
}
TAP_BUTTON = {
    "accept": "Yes, I accept",
    "decline": "Decline this visit",
    "report_done": "Yes, report it as done",
    "acknowledge": "I take it",
}
TAP_DONE = {
    "accept": "Thank you. The visit is yours; a calendar entry follows by mail.",
    "decline": "Thank you for saying so. Somebody else is being asked.",
    "report_done": "Thank you. The visit is reported as done, with nothing to note.",
    "acknowledge": "The case is yours now. Sign in to read it and to write down what you do.",
}
ALONG_QUESTION = {"accept": "Will you go along on this visit?", "decline": "You cannot go along on this visit?"}
ALONG_DONE = {
    "accept": "Thank you. You go along; a calendar entry follows by mail when the trainer confirms.",
    "decline": TAP_DONE["decline"],
}
AUDIT = {
    "raised": "Raised",
    "reported_again": "Reported again by the finder",
    "alerted_opened": "First alert",
    "alerted_escalated": "Next tier alerted",
    "alerted_unowned": "Nobody has it: paged",
    "alerted_lapsed": "Owner asked once more",
    "alerted_closure": "Second person asked",
    "tier_empty": "A tier without anybody who may be told: passed over",
    "acknowledged": "Acknowledged",
    "renewed": "Progress: shelf-life renewed",
    "confirmed": "Confirmed",
    "owner_lost": "No longer with its owner",
    "verification_asked": "Verification visit asked for",
    "verification_noted": "News of the verification visit",
    "closure_proposed": "Closure proposed",
    "closure_returned": "Closure returned",
    "closed": "Closed",
    "excluded": "Persons excluded",
    "note": "Note written",
    "read": "Read",
    "escalated_minimally": "Escalated without a decision: operators were told",
    "rearmed_by_watchdog": "Deadline armed again by the watchdog",
}


def reason_options(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Codes with their words, for a choice."""
    return [(code, REASONS[code]) for code in codes]


def suspicion_options(items: Iterable[int]) -> list[tuple[int, str]]:
    """What may be suspected, for a choice."""
    return [(item, SUSPECTED[item]) for item in sorted(items)]


def item_options(items: Iterable[int] = ITEMS) -> list[tuple[int, str]]:
    """Items of the ETI Base Code, for a choice."""
    return [(item, f"{item} · {ITEMS[item]}") for item in sorted(items)]
