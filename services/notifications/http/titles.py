"""What a message and its state are called on a page."""

_TITLES = {
    "visit_offer": "Visit offered",
    "visit_moved": "Visit moved, to be confirmed",
    "visit_along": "Asked to go along",
    "offer_withdrawn": "Offer withdrawn",
    "visit_confirmed": "Visit confirmed",
    "visit_invitation": "Visit announced",
    "visit_rescheduled": "Visit moved",
    "visit_cancelled": "Visit cancelled",
    "visit_reminder": "Reminder of a visit",
    "visit_tomorrow": "Reminder of a visit",
    "report_request": "Report wanted",
    "visit_missed": "Visit missed",
    "notice_missed": "Visit missed",
    "notice_unplaceable": "No trainer found",
    "notice_planned": "Plan ready",
    "notice_published": "Plan published",
    "notice_completed": "Cohort completed",
    "action_opened": "Corrective action",
    "action_reminder": "Action due soon",
    "action_overdue": "Action overdue",
    "evidence_submitted": "Evidence to look at",
    "evidence_returned": "Evidence returned",
    "action_verified": "Action verified",
    "case_alert": "Case: alert",
    "case_escalated": "Case: next tier",
    "case_unowned": "Case: nobody has it",
    "case_lapsed": "Case: still on it?",
    "case_closure": "Case: second person needed",
    "case_verified": "Case: verification visit made",
    "case_closed": "Case closed",
    "record_stuck": "A record is stuck",
}
_TONES = {"sent": "good", "failed": "bad", "held": "info", "queued": "neutral", "cancelled": "neutral"}


def title_of(template: str) -> str:
    return _TITLES.get(template, template.replace("_", " "))


def tone_of(state: str) -> str:
    return _TONES[state]
