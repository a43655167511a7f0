"""How long to wait before a message is tried again. Machine time: a steered clock does not hurry a provider."""

from datetime import timedelta

from services.notifications.domain.templates import ZERO_TOLERANCE

CLAIM = timedelta(seconds=30)
"""How long a claimed message belongs to its sender; longer than one attempt may take, so that it is never sent twice."""

FRESH = timedelta(seconds=1)
"""A claim that was made so lately by the sender's own clock stands, without a look: what is left of `CLAIM` is longer than
an attempt may take, however much of this is over."""

ATTEMPT_LIMIT = timedelta(seconds=20)
"""The longest that one attempt may take, all providers together."""

MAX_REFUSALS = 40
"""How often a recipient's own server may say "later" before that counts as no (about two days)."""

_FIRST = timedelta(seconds=1)
LONGEST = timedelta(hours=1)
LONGEST_OF_ALERTS = timedelta(seconds=20)


def pause_after(attempts: int, lane: str) -> timedelta:
    """Doubles from a second; zero tolerance never waits longer than twenty."""
    return min(_FIRST * int(2 ** min(attempts, 16)), LONGEST_OF_ALERTS if lane == ZERO_TOLERANCE else LONGEST)
