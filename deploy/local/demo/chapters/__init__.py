"""The chapters of the story, in order. Each acts through the public HTTP API and goes on only when it saw the effect."""

from collections.abc import Awaitable, Callable

from deploy.local.demo.chapters import cases, closing, delivery, follow_up, offers, setting_up
from deploy.local.demo.chapters.cast import Cast
from deploy.local.demo.world import World

Chapter = Callable[[World, Cast], Awaitable[None]]

CHAPTERS: tuple[tuple[str, Chapter], ...] = (
    ("A programme in four workbooks", setting_up.import_programme),
    ("A cohort of five enterprises", setting_up.create_and_publish),
    ("Trainers are asked, and answer", offers.answer_offers),
    ("Baseline visits and classroom days", delivery.deliver_first_stages),
    ("A visit that did not happen", delivery.miss_and_reschedule),
    ("A suspicion that must not go quiet", cases.raise_and_escalate),
    ("Verified by somebody else, closed by two", cases.verify_and_close),
    ("A corrective action and those who are late", follow_up.follow_an_action),
    ("The cohort ends with its figures", closing.finish),
)
