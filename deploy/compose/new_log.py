"""Move to a newly formatted log: with another number of brokers, or after the old one was damaged.

Nothing is copied. The outboxes are the truth: every service publishes everything again, under the same event ids, and
whoever had a fact passes it over. While it lasts, requests are answered and facts wait.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from deploy.compose import layout
from deploy.compose.init import BROKERS, replace_secret, write_choices
from deploy.compose.stack import Stack
from deploy.local.kafka import new_cluster_id
from deploy.local.problem import Problem

_NODES = ("kafka-1", "kafka-2", "kafka-3")


def move_to_new_log(stack: Stack, brokers: int, say: Callable[[str], None]) -> None:
    """Raises Problem before anything is touched when the number of brokers is no choice."""
    if brokers not in BROKERS:
        raise Problem(f"{brokers} brokers is not a choice", remedy="one, or three of which any one may be lost")
    if not layout.ENVIRONMENT_FILE.exists():
        raise Problem(f"there is no {layout.ENVIRONMENT_FILE}", remedy="./gemba compose init writes it")
    project = json.loads(stack.compose("config", "--format", "json"))["name"]
    stack.compose("--profile", "ha", "rm", "--stop", "--force", *_NODES)
    for node in _NODES:
        if stack.engine.succeeds("volume", "inspect", f"{project}_{node}"):
            stack.engine.run("volume", "rm", f"{project}_{node}")
    replace_secret("kafka-cluster-id", new_cluster_id())
    write_choices(brokers)
    say(f"the old log is gone; starting {brokers} broker(s) with a new one")
    stack.start()
    say(stack.run_job("replay"))
