"""The same question to several services at once."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from deploy.local.client.calls import SERVICES, Call
from deploy.local.client.failure import ClientFailure
from deploy.local.client.http import Client


def ask_each(client: Client, of_each: Mapping[str, Call], *, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Each service's answer, or the ClientFailure that stands in its place."""

    def ask(call: Call) -> Any:
        try:
            return client.send(call, params=params)
        except ClientFailure as failure:
            return failure

    with ThreadPoolExecutor(len(of_each)) as threads:
        return dict(zip(of_each, threads.map(ask, of_each.values()), strict=True))


def items_of_each(
    client: Client, of_each: Mapping[str, Call], *, limit: int, params: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The lists of all services as one, every item with its `service`. Raises the first failure."""

    def ask(call: Call) -> list[Any]:
        return client.items(call, params=params, limit=limit)

    with ThreadPoolExecutor(len(of_each)) as threads:
        lists = threads.map(ask, of_each.values())
        return [{"service": service, **item} for service, items in zip(of_each, lists, strict=True) for item in items]


def chosen(of_each: Mapping[str, Call], service: str | None) -> Mapping[str, Call]:
    """One service's call, or all of them. Raises ClientFailure for a name that is none."""
    if service is None:
        return of_each
    if service not in of_each:
        raise ClientFailure(
            "unknown_service", f"there is no service {service!r}", exit_code=2, remedy=f"one of {', '.join(SERVICES)}"
        )
    return {service: of_each[service]}
