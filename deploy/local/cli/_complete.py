"""Shell completion of ids and keys: asked of the installation, quickly, or left out without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy.local.client.calls import Call

_MOST = 50
_ANSWER_SECONDS = 1.0


def cohorts(incomplete: str) -> list[tuple[str, str]]:
    from deploy.local.client import calls

    return _ids(calls.COHORTS, "cohort_id", ("name", "state"), incomplete)


def visits(incomplete: str) -> list[tuple[str, str]]:
    from deploy.local.client import calls

    return _ids(calls.VISITS, "visit_id", ("starts_at", "kind", "state"), incomplete)


def cases(incomplete: str) -> list[tuple[str, str]]:
    from deploy.local.client import calls

    return _ids(calls.CASES, "case_id", ("country", "standing"), incomplete)


def actions(incomplete: str) -> list[tuple[str, str]]:
    from deploy.local.client import calls

    return _ids(calls.ACTIONS, "action_id", ("grade", "state"), incomplete)


def enterprises(incomplete: str) -> list[tuple[str, str]]:
    from deploy.local.client import calls

    return _ids(calls.ENTERPRISES, "key", ("name",), incomplete)


def services(incomplete: str) -> list[str]:
    from deploy.local.client.calls import SERVICES

    return [name for name in SERVICES if name.startswith(incomplete)]


def _ids(call: Call, key: str, about: tuple[str, ...], incomplete: str) -> list[tuple[str, str]]:
    """Nothing at all when anything is wrong: a shell's line is no place for an error."""
    try:
        from deploy.local.client.http import Client
        from deploy.local.client.output import plain
        from deploy.local.client.place import find_place

        with Client(find_place(), patience_seconds=0, answer_seconds=_ANSWER_SECONDS) as client:
            rows = client.items(call, limit=_MOST)
        return [
            (str(row[key]), ", ".join(plain(row[name]) for name in about if row.get(name)))
            for row in rows
            if str(row[key]).startswith(incomplete)
        ]
    except Exception:
        return []


def quarantined(incomplete: str) -> list[tuple[str, str]]:
    """`visits/17`, over all services."""
    try:
        from deploy.local.client import calls
        from deploy.local.client.each import items_of_each
        from deploy.local.client.http import Client
        from deploy.local.client.output import plain
        from deploy.local.client.place import find_place

        with Client(find_place(), patience_seconds=0, answer_seconds=_ANSWER_SECONDS) as client:
            rows = items_of_each(client, calls.QUARANTINE, limit=_MOST)
        found = [(f"{row['service']}/{row['id']}", plain(row.get("topic"))) for row in rows]
        return [one for one in found if one[0].startswith(incomplete)]
    except Exception:
        return []
