"""What there is to say, as a table: who carries it, what stands in it, what can be answered from it.

The words are in `composition/catalogue`. Adding a message is a row here and an entry there, in every language.
"""

from dataclasses import dataclass

GENERAL = "general"
ZERO_TOLERANCE = "zero_tolerance"


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of message.

    `facts` are the lines of its table; `links` what can be opened or, with `tap:`, answered by one tap.
    `calendar` is the iTIP method (RFC 5546) of the entry it carries.
    """

    name: str
    lane: str = GENERAL
    facts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    calendar: str | None = None
    bundled: bool = False
    """Whether several to one person within a minute travel as one."""
    every_channel: bool = False
    """Whether it goes by all channels at once instead of the first that works."""


_VISIT = ("when", "where", "what")

_TABLE = (
    Template(
        "visit_offer", facts=(*_VISIT, "respond_by"), links=("tap:accept", "tap:decline", "visit"), calendar="REQUEST"
    ),
    Template(
        "visit_moved", facts=(*_VISIT, "respond_by"), links=("tap:accept", "tap:decline", "visit"), calendar="REQUEST"
    ),
    Template("visit_along", facts=(*_VISIT, "respond_by"), links=("tap:accept", "tap:decline", "visit")),
    Template("offer_withdrawn", facts=_VISIT, calendar="CANCEL"),
    Template("visit_confirmed", facts=_VISIT, links=("visit",), calendar="REQUEST"),
    Template("visit_invitation", facts=_VISIT, calendar="REQUEST"),
    Template("visit_rescheduled", facts=_VISIT, calendar="REQUEST"),
    Template("visit_cancelled", facts=_VISIT, calendar="CANCEL"),
    Template("visit_reminder", facts=_VISIT, links=("visit",)),
    Template("visit_tomorrow", facts=_VISIT),
    Template("report_request", facts=_VISIT, links=("tap:report_done", "report")),
    Template("visit_missed", facts=_VISIT, links=("report",)),
    Template("notice_missed", facts=_VISIT, links=("today",), bundled=True),
    Template("notice_unplaceable", facts=("where", "what", "why"), links=("today",), bundled=True),
    Template("notice_planned", facts=("module", "enterprises", "period", "placed"), links=("cohort",), bundled=True),
    Template("notice_published", facts=("module", "enterprises", "period", "visits"), links=("cohort",), bundled=True),
    Template("notice_completed", facts=("module", "enterprises", "figures"), links=("cohort",), bundled=True),
    Template("action_opened", facts=("where", "item", "due"), links=("action",)),
    Template("action_reminder", facts=("where", "item", "due"), links=("action",)),
    Template("action_overdue", facts=("where", "item", "due"), links=("action",)),
    Template("evidence_submitted", facts=("where", "item", "due"), links=("action",)),
    Template("evidence_returned", facts=("where", "item", "due"), links=("action",)),
    Template("action_verified", facts=("where", "item"), links=("action",)),
    *(
        Template(
            name,
            lane=ZERO_TOLERANCE,
            facts=("reference", "respond_by"),
            links=("tap:acknowledge", "case"),
            every_channel=True,
        )
        for name in ("case_alert", "case_escalated", "case_unowned", "case_lapsed")
    ),
    Template(
        "case_closure", lane=ZERO_TOLERANCE, facts=("reference", "respond_by"), links=("case",), every_channel=True
    ),
    Template("case_verified", lane=ZERO_TOLERANCE, facts=("reference",), links=("case",)),
    Template("case_closed", lane=ZERO_TOLERANCE, facts=("reference",), links=("case",)),
    Template("record_stuck", lane=ZERO_TOLERANCE, every_channel=True),
)

TEMPLATES = {template.name: template for template in _TABLE}
