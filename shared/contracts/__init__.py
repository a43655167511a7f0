"""What services say to each other: the models of every fact, state and command, and nothing else.

Importing this package registers all of them. Fact topics hold ids, dates, states and codes: no names, no
contact points, no free text, no secret. A released model only ever grows by optional fields; a breaking
change is a new class with the next `version`, published beside the old one.
"""

from shared.contracts import (  # noqa: F401  (imported so that the registry is complete)
    action,
    booking,
    case,
    cohort,
    command,
    enterprise,
    finding,
    message,
    person,
    quarantine,
    visit,
)
from shared.contracts.registry import Command, Fact, State, model_for, models

__all__ = ["Command", "Fact", "State", "model_for", "models"]
