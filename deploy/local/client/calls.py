"""Every request that the command line makes: a table, so that a test can hold it against the services' routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SERVICES: Final = ("directory", "scheduler", "visits", "notifications")


@dataclass(frozen=True, slots=True)
class Call:
    """A method, a path with its names in braces, the query's parameters and the fields of the JSON body."""

    method: str
    path: str
    params: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether it is a command, which carries an Idempotency-Key."""
        return self.method != "GET"


ME: Final = Call("GET", "/directory/api/me")
PEOPLE: Final = Call("GET", "/directory/api/people", params=("q", "cursor"))
PERSON: Final = Call("GET", "/directory/api/people/{person_id}")
ENTERPRISES: Final = Call("GET", "/directory/api/enterprises", params=("cursor",))
CREATE_TOKEN: Final = Call("POST", "/directory/api/tokens", fields=("person_id", "label", "days"))

IMPORTS: Final = {
    "directory": Call("POST", "/directory/api/imports", params=("dry_run",)),
    "scheduler": Call("POST", "/scheduler/api/imports", params=("dry_run",)),
}
"""In the order in which sheets are taken: people and enterprises first, because the rest refers to them."""

COHORTS: Final = Call("GET", "/scheduler/api/cohorts", params=("state", "cursor"))
COHORT: Final = Call("GET", "/scheduler/api/cohorts/{cohort_id}")
CREATE_COHORT: Final = Call(
    "POST",
    "/scheduler/api/cohorts",
    fields=(
        "name", "country", "module", "enterprise_keys", "enterprise_ids", "trainer_keys", "first_day", "last_day",
    ),
)  # fmt: skip
CANCEL_COHORT: Final = Call("POST", "/scheduler/api/cohorts/{cohort_id}/cancel", fields=("reason",))
PLAN: Final = Call("GET", "/scheduler/api/cohorts/{cohort_id}/plan")
PLAN_AGAIN: Final = Call("POST", "/scheduler/api/cohorts/{cohort_id}/replan")
PUBLISH: Final = Call("POST", "/scheduler/api/plans/{plan_id}/publish", fields=("accept_unplaced",))
PLANS: Final = Call("GET", "/scheduler/api/cohorts/{cohort_id}/plans")
ANY_PLAN: Final = Call("GET", "/scheduler/api/plans/{plan_id}")
WHAT_IF: Final = Call("POST", "/scheduler/api/cohorts/{cohort_id}/what-if", fields=("weights", "without", "until"))
PLANNING_JOB: Final = Call("GET", "/scheduler/api/planning-jobs/{job_id}")
REASONS: Final = Call("GET", "/scheduler/api/plans/{plan_id}/visits/{visit_id}/reasons", params=("trainer",))
DIFFERENCE: Final = Call("GET", "/scheduler/api/plans/{plan_id}/difference", params=("against",))
EFFECTS: Final = Call("GET", "/scheduler/api/plans/{plan_id}/effects")
CLASHES: Final = Call("GET", "/scheduler/api/plans/{plan_id}/clashes")
ADOPT: Final = Call("POST", "/scheduler/api/plans/{plan_id}/adopt")
WEIGHTS: Final = Call("GET", "/scheduler/api/weights", params=("country", "cohort"))
SET_WEIGHTS: Final = Call("PUT", "/scheduler/api/weights", fields=("country", "cohort_id", "weights"))
ROADS: Final = Call("GET", "/scheduler/api/roads", params=("country",))
SET_ROADS: Final = Call("PUT", "/scheduler/api/roads", fields=("country", "roads", "source"))
PROPOSE_REPAIR: Final = Call(
    "POST",
    "/scheduler/api/repairs",
    fields=("kind", "country", "first", "last", "who", "region", "most_moved"),
)
REPAIR: Final = Call("GET", "/scheduler/api/repairs/{repair_id}")
APPLY_REPAIR: Final = Call("POST", "/scheduler/api/repairs/{repair_id}/apply", fields=("accept_unplaced",))
REACH: Final = Call("GET", "/notifications/api/reach", params=("person", "enterprise"))

VISITS: Final = Call("GET", "/visits/api/visits", params=("state", "cohort_id", "cursor"))
VISIT: Final = Call("GET", "/visits/api/visits/{visit_id}")
CASES: Final = Call("GET", "/visits/api/cases", params=("standing", "open", "cursor"))
CASE: Final = Call("GET", "/visits/api/cases/{case_id}")
ACKNOWLEDGE_CASE: Final = Call("POST", "/visits/api/cases/{case_id}/acknowledge", fields=("take_over",))
ACTIONS: Final = Call("GET", "/visits/api/actions", params=("state", "open", "cursor"))
ACTION: Final = Call("GET", "/visits/api/actions/{action_id}")


def _of_each(method: str, path: str, **more: tuple[str, ...]) -> dict[str, Call]:
    return {service: Call(method, f"/{service}/api/operations/{path}", **more) for service in SERVICES}


STATUS: Final = _of_each("GET", "status")
REPLAY_OUTBOX: Final = _of_each("POST", "outbox/replay")
QUARANTINE: Final = _of_each("GET", "quarantine", params=("state", "cursor"))
QUARANTINED: Final = _of_each("GET", "quarantine/{parked_id}")
REPLAY_QUARANTINED: Final = _of_each("POST", "quarantine/{parked_id}/replay")
SKIP_QUARANTINED: Final = _of_each("POST", "quarantine/{parked_id}/skip", fields=("reason",))
TIMERS: Final = _of_each("GET", "timers", params=("limit",))
HOLD: Final = _of_each("GET", "hold", params=("limit",))
RELEASE_HOLD: Final = _of_each("POST", "hold/release")
