"""Times and kilometres by road from a routing service that speaks OSRM's `table` protocol.

Coordinates leave the installation, rounded to a metre, and nothing else: no key, no name. Who they belong to is not said, but a
home is one of them; so the service is the operator's own (`GEMBA_ROUTING_URL`), and none is asked unless it is named.

The protocol: https://project-osrm.org/docs/v26.9.0/api/#table-service
"""

import asyncio
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.errors import Transient

if TYPE_CHECKING:
    import httpx

Place = tuple[float, float]
"""Latitude and longitude in degrees."""

FAR_METRES = 5_000.0
"""A place further than this from every road that the service knows is not on its map: its roads are left out."""
_MOST_AT_ONCE = 100
"""Places in one question: what OSRM takes unless its operator allows more or less (`--max-table-size`)."""
_QUESTIONS_AT_ONCE = 4
_SECONDS = 30.0
_PROFILE = "driving"


class RoutingRefused(Exception):
    """What the service was asked it will not answer, however often it is asked."""


class _TooBig(RoutingRefused):
    """So many places in one question."""


def check_routing_url(url: str) -> str:
    """The address without a slash at its end. Raises `ValueError` for what is no address of a service."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(
            "is not http(s)://host or http(s)://host/path, the address of a service that speaks OSRM's protocol"
        )
    return url.rstrip("/")


async def ask_table(url: str, places: Sequence[Place]) -> dict[str, Any]:
    """A table of roads (`docs/reference/planner-instance.md`) between all places, asked for in blocks that the service takes.

    What it knows no way for is null, so are all roads of a place that is not on its map. Raises `RoutingRefused` with what it
    said, or `Transient` when it cannot be reached, is busy or does not answer in 30 seconds.
    """
    import httpx

    local = urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}
    async with httpx.AsyncClient(timeout=_SECONDS, trust_env=not local) as http:
        most = _MOST_AT_ONCE
        while True:
            try:
                return await _ask_blocks(http, url, places, most // 2)
            except _TooBig as refusal:
                if most == 2:
                    raise RoutingRefused(str(refusal)) from None
                most = max(2, most // 2)


async def _ask_blocks(http: "httpx.AsyncClient", url: str, places: Sequence[Place], size: int) -> dict[str, Any]:
    blocks = [range(n, min(n + size, len(places))) for n in range(0, len(places), size)]
    minutes: list[list[float | None]] = [[None] * len(places) for _ in places]
    km: list[list[float | None]] = [[None] * len(places) for _ in places]
    turns = asyncio.Semaphore(_QUESTIONS_AT_ONCE)

    async def fill(rows: range, columns: range) -> None:
        async with turns:
            durations, distances = await _ask_block(http, url, places, rows, columns)
        for n, row in enumerate(rows):
            minutes[row][columns.start : columns.stop] = durations[n]
            km[row][columns.start : columns.stop] = distances[n]

    try:
        async with asyncio.TaskGroup() as asked:
            for rows, columns in product(blocks, blocks):
                asked.create_task(fill(rows, columns))
    except* (RoutingRefused, Transient) as faults:
        raise faults.exceptions[0] from None
    return {"places": [{"lat": lat, "lon": lon} for lat, lon in places], "minutes": minutes, "km": km}


Cells = list[list[float | None]]


async def _ask_block(
    http: "httpx.AsyncClient", url: str, places: Sequence[Place], rows: range, columns: range
) -> tuple[Cells, Cells]:
    """Minutes and kilometres from each of `rows` to each of `columns`."""
    import httpx

    asked = [*rows, *(n for n in columns if n not in rows)]
    if len(asked) == 1:  # OSRM refuses a table of one place
        return [[0.0]], [[0.0]]
    path = ";".join(f"{places[n][1]:.5f},{places[n][0]:.5f}" for n in asked)
    query = {
        "annotations": "duration,distance",
        "sources": ";".join(str(asked.index(n)) for n in rows),
        "destinations": ";".join(str(asked.index(n)) for n in columns),
    }
    try:
        answer = await http.get(f"{url}/table/v1/{_PROFILE}/{path}", params=query)
    except httpx.HTTPError as fault:
        raise Transient(f"the routing service does not answer ({type(fault).__name__})") from fault
    if answer.is_server_error or answer.status_code in {408, 425, 429}:
        raise Transient(f"the routing service answers {answer.status_code}")
    told = _document(answer)
    if told.get("code") != "Ok":
        said = f"{told.get('code', answer.status_code)}: {told.get('message', 'no reason given')}"
        refused = _TooBig if told.get("code") == "TooBig" else RoutingRefused
        raise refused(f"The routing service refuses a table of {len(asked)} places: {said}")
    try:
        near = [_is_near(told["sources"]), _is_near(told["destinations"])]
        return _cells(told["durations"], near, rows, columns, 60.0), _cells(
            told["distances"], near, rows, columns, 1_000.0
        )
    except (KeyError, IndexError, TypeError, ValueError) as wrong:
        raise RoutingRefused(_STRANGE) from wrong


_STRANGE = "GEMBA_ROUTING_URL answers, but not as OSRM's table service does"


def _document(answer: "httpx.Response") -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError as wrong:
        raise RoutingRefused(_STRANGE) from wrong
    if not isinstance(told, dict):
        raise RoutingRefused(_STRANGE)
    return told


def _is_near(waypoints: Sequence[dict[str, Any]]) -> list[bool]:
    return [float(one["distance"]) <= FAR_METRES for one in waypoints]


def _cells(
    told: Sequence[Sequence[float | None]], near: Sequence[list[bool]], rows: range, columns: range, unit: float
) -> Cells:
    starts, ends = near
    if len(told) != len(rows) or any(len(row) != len(columns) for row in told):
        raise ValueError("another shape than was asked for")
    return [
        [
            None if cell is None or not (start and end) else round(float(cell) / unit, 3)
            for cell, end in zip(row, ends, strict=True)
        ]
        for row, start in zip(told, starts, strict=True)
    ]
