"""Every operation of the services' OpenAPI documents, as requests that somebody could mean.

`PERMITTED` is the whole table of who may do what; an operation that is not in it fails the test that walks them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from deploy.local.installation import Installation

ANYBODY = frozenset({"trainer", "enterprise", "coordinator", "officer", "deputy", "head", "administrator"})
_ADMINISTRATOR = frozenset({"administrator"})
_PLANNER = frozenset({"coordinator", "administrator"})
_SAFEGUARDING = frozenset({"officer", "deputy", "head", "administrator"})
_FIELD = frozenset({"trainer", "coordinator", "head"})
_ACTION = frozenset({"trainer", "coordinator", "head", "enterprise"})

PERMITTED: Mapping[str, frozenset[str]] = {
    "GET /directory/api/me": ANYBODY,
    "POST /directory/api/people/{person_id}/revoke-sessions": ANYBODY,  # one's own; anybody's for an administrator
    "GET /directory/api/people": _PLANNER | _SAFEGUARDING,
    "GET /directory/api/people/{person_id}": ANYBODY,
    "POST /directory/api/people/{person_id}/erase": _ADMINISTRATOR,
    "GET /directory/api/enterprises": ANYBODY,
    "GET /directory/api/enterprises/{enterprise_id}": ANYBODY,
    "POST /directory/api/imports": _PLANNER,
    "GET /directory/api/tokens": ANYBODY,  # of tokens one's own, too
    "POST /directory/api/tokens": ANYBODY,
    "DELETE /directory/api/tokens/{token_id}": ANYBODY,
    "POST /scheduler/api/cohorts": _PLANNER,
    "GET /scheduler/api/cohorts": _PLANNER,
    "GET /scheduler/api/cohorts/{cohort_id}": _PLANNER,
    "GET /scheduler/api/cohorts/{cohort_id}/plan": _PLANNER,
    "POST /scheduler/api/cohorts/{cohort_id}/cancel": _PLANNER,
    "POST /scheduler/api/cohorts/{cohort_id}/replan": _PLANNER,
    "POST /scheduler/api/plans/{plan_id}/publish": _PLANNER,
    "GET /scheduler/api/cohorts/{cohort_id}/plans": _PLANNER,
    "POST /scheduler/api/cohorts/{cohort_id}/what-if": _PLANNER,
    "GET /scheduler/api/planning-jobs/{job_id}": _PLANNER,
    "GET /scheduler/api/plans/{plan_id}": _PLANNER,
    "GET /scheduler/api/plans/{plan_id}/difference": _PLANNER,
    "GET /scheduler/api/plans/{plan_id}/effects": _PLANNER,
    "GET /scheduler/api/plans/{plan_id}/clashes": _PLANNER,
    "GET /scheduler/api/plans/{plan_id}/visits/{visit_id}/reasons": _PLANNER,
    "POST /scheduler/api/plans/{plan_id}/adopt": _PLANNER,
    "GET /scheduler/api/weights": _PLANNER,
    "PUT /scheduler/api/weights": _PLANNER,
    "GET /scheduler/api/roads": _PLANNER,
    "PUT /scheduler/api/roads": _PLANNER,
    "POST /scheduler/api/repairs": _PLANNER,
    "GET /scheduler/api/repairs/{repair_id}": _PLANNER,
    "POST /scheduler/api/repairs/{repair_id}/apply": _PLANNER,
    "GET /scheduler/api/bookings": _PLANNER,
    "GET /scheduler/api/bookings/{visit_id}": _PLANNER,
    "POST /scheduler/api/bookings/{visit_id}/replan": _PLANNER,
    "POST /scheduler/api/bookings/{visit_id}/withdraw": _PLANNER,
    "GET /scheduler/api/modules": _PLANNER,
    "GET /scheduler/api/delivery-plans": _PLANNER,
    "GET /scheduler/api/trainers": _PLANNER,
    "POST /scheduler/api/imports": _PLANNER,
    "GET /visits/api/visits": _FIELD,
    "GET /visits/api/visits/{visit_id}": _FIELD,
    "POST /visits/api/visits/{visit_id}/accept": frozenset({"trainer"}),
    "POST /visits/api/visits/{visit_id}/decline": frozenset({"trainer"}),
    "POST /visits/api/visits/{visit_id}/reschedule": _FIELD,
    "POST /visits/api/visits/{visit_id}/report": frozenset({"trainer"}),
    "POST /visits/api/suspicions": frozenset({"trainer"}),
    "GET /visits/api/actions": _ACTION,
    "GET /visits/api/actions/{action_id}": _ACTION,
    "POST /visits/api/actions/{action_id}/evidence": _ACTION,
    "POST /visits/api/actions/{action_id}/return": _ACTION,
    "POST /visits/api/actions/{action_id}/verify": _ACTION,
    "POST /visits/api/actions/{action_id}/follow-up": _ACTION,
    "GET /visits/api/packs": ANYBODY,
    "GET /visits/api/cases": _SAFEGUARDING,
    "POST /visits/api/cases": _SAFEGUARDING,
    "GET /visits/api/cases/{case_id}": _SAFEGUARDING,
    "POST /visits/api/cases/{case_id}/acknowledge": _SAFEGUARDING,
    "POST /visits/api/cases/{case_id}/note": _SAFEGUARDING,
    "POST /visits/api/cases/{case_id}/confirm": _SAFEGUARDING,
    "POST /visits/api/cases/{case_id}/verification": _SAFEGUARDING,
    "POST /visits/api/cases/{case_id}/propose-closure": _SAFEGUARDING,
    "POST /visits/api/cases/{case_id}/approve-closure": _SAFEGUARDING,
    "POST /visits/api/cases/{case_id}/return-closure": _SAFEGUARDING,
    "GET /notifications/api/messages": ANYBODY,
    "GET /notifications/api/reach": _PLANNER,
    "GET /notifications/api/me/preferences": ANYBODY,
    "PUT /notifications/api/me/preferences": ANYBODY,
}
OPEN = frozenset({"POST /directory/api/sign-in"})
"""What needs no sign-in: it is how one signs in."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of one service."""

    service: str
    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def about(self) -> str | None:
        """What its path names, such as `visit_id`; None when it names nothing."""
        return self.path.partition("{")[2].partition("}")[0] or None

    @property
    def permitted(self) -> frozenset[str] | None:
        """The roles that may; None when nobody decided."""
        if "/api/operations/" in self.path:
            return _ADMINISTRATOR
        return PERMITTED.get(self.name)


async def all_operations(installation: Installation) -> list[Operation]:
    """From the documents that the running services give of themselves."""
    found = []
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        for service in installation.services:
            answer = await http.get(f"http://127.0.0.1:{installation.ports[service]}/{service}/openapi.json")
            answer.raise_for_status()
            for path, methods in answer.json()["paths"].items():
                found += [Operation(service, method.upper(), path) for method in methods]
    return found


def body_for(operation: Operation, known: Mapping[str, str]) -> Any:
    """A request that is right in itself, about the objects in `known` (ids by name)."""
    bodies: dict[str, Any] = {
        "POST /directory/api/tokens": {"label": "of another", "person_id": known["person_id"]},
        "POST /scheduler/api/cohorts": {
            "country": known["country"],
            "module": known["module"],
            "enterprise_ids": [known["enterprise_id"], known["other_enterprise_id"]],
            "first_day": "2027-02-01",
            "last_day": "2027-03-01",
        },
        "POST /scheduler/api/cohorts/{cohort_id}/cancel": {"reason": "because"},
        "PUT /scheduler/api/weights": {"country": known["country"], "weights": {"per_km": 1.0}},
        "PUT /scheduler/api/roads": {"country": known["country"], "roads": None},
        "POST /scheduler/api/repairs": {
            "kind": "holiday",
            "country": known["country"],
            "first": "2027-02-01",
        },
        "POST /scheduler/api/bookings/{visit_id}/replan": {"want": "another_trainer"},
        "POST /visits/api/visits/{visit_id}/decline": {"reason": "illness"},
        "POST /visits/api/visits/{visit_id}/reschedule": {"reason": "illness"},
        "POST /visits/api/visits/{visit_id}/report": {"whole": True},
        "POST /visits/api/suspicions": {
            "finding_id": known["fresh_id"],
            "item": 4,
            "text": "seen",
            "visit_id": known["visit_id"],
        },
        "POST /visits/api/actions/{action_id}/evidence": {"text": "done"},
        "POST /visits/api/actions/{action_id}/return": {"reason": "not yet"},
        "POST /visits/api/cases": {
            "item": 4,
            "text": "told",
            "country": known["country"],
            "enterprise_id": known["enterprise_id"],
        },
        "POST /visits/api/cases/{case_id}/note": {"text": "noted"},
        "POST /visits/api/cases/{case_id}/propose-closure": {"outcome": "cancelled", "reason": "no"},
        "POST /visits/api/cases/{case_id}/return-closure": {"reason": "not yet"},
        "PUT /notifications/api/me/preferences": {},
    }
    return bodies.get(operation.name, {} if operation.method == "POST" else None)
