"""Asks the public HTTP API. A command gets one Idempotency-Key and keeps it over every attempt.

An answer that was lost is asked for again with the same key, so that nothing is done twice; patience
is bounded, and a server that says how long to wait is believed.
"""

from __future__ import annotations

import math
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote
from uuid import uuid4

import httpx

from deploy.local.client.calls import Call
from deploy.local.client.failure import NOT_ALLOWED, UNREACHABLE, ClientFailure, failure_of
from deploy.local.client.place import Place

PATIENCE_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 60.0
_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 5.0
_TRY_AGAIN: Final = frozenset({429, 502, 503, 504})
_CONNECT_SECONDS: Final = 5.0


class Client:
    """One connection pool to one installation; usable from several threads."""

    def __init__(
        self,
        place: Place,
        *,
        patience_seconds: float = math.inf,
        answer_seconds: float = ANSWER_SECONDS,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        """`patience_seconds`, or GEMBA_PATIENCE where that is less, bounds all attempts of one request together;
        `answer_seconds` bounds the silence within one.
        `on_wait` is told why, before each further attempt.
        """
        self.place = place
        self._patience = min(_patience(), patience_seconds)
        self._on_wait = on_wait
        self._http = httpx.Client(
            base_url=place.url,
            timeout=httpx.Timeout(answer_seconds, connect=min(answer_seconds, _CONNECT_SECONDS)),
            headers={"Authorization": f"Bearer {place.token}", "Accept": "application/json"},
            # A proxy for the loopback would be a mistake, and it would see the token.
            trust_env=not place.is_loopback,
            verify=_trust(place),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def send(
        self,
        call: Call,
        *,
        params: Mapping[str, Any] | None = None,
        body: object = None,
        file: tuple[str, bytes] | None = None,
        **names: object,
    ) -> Any:
        """The answer as JSON (None when there is none). `names` fill the path. Raises ClientFailure."""
        path = call.path.format(**{name: quote(str(value), safe="") for name, value in names.items()})
        arguments: dict[str, Any] = {"params": {k: v for k, v in (params or {}).items() if v is not None}}
        if call.changes:
            arguments["headers"] = {"Idempotency-Key": str(uuid4())}
        if file is not None:
            arguments["files"] = {"workbook": file}
        elif call.changes:
            arguments["json"] = {} if body is None else body
        return self._read(call, self._attempts(call.method, path, arguments))

    def items(self, call: Call, *, params: Mapping[str, Any] | None = None, limit: int) -> list[Any]:
        """The first `limit` items of a list, page by page."""
        found: list[Any] = []
        for page in self._pages(call, dict(params or {})):
            found.extend(page)
            if len(found) >= limit:
                break
        return found[:limit]

    def _pages(self, call: Call, params: dict[str, Any]) -> Iterator[list[Any]]:
        while True:
            answer = self.send(call, params=params)
            if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
                raise _not_gemba(self.place, call, "a list without items")
            yield answer["items"]
            following = answer.get("next")
            if not following or following == params.get("cursor"):
                return
            params["cursor"] = following

    def _attempts(self, method: str, path: str, arguments: dict[str, Any]) -> httpx.Response:
        deadline = time.monotonic() + self._patience
        pause = _FIRST_PAUSE_SECONDS
        while True:
            answer: httpx.Response | None = None
            wait = pause
            try:
                answer = self._http.request(method, path, **arguments)
                if answer.status_code not in _TRY_AGAIN:
                    return answer
                why, wait = f"it answers {answer.status_code}", max(pause, _retry_after(answer))
            except httpx.TransportError as error:
                why = _reason(error)
            if time.monotonic() + wait > deadline:
                raise self._gave_up(answer, why)
            if self._on_wait:
                self._on_wait(why)
            time.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _gave_up(self, answer: httpx.Response | None, why: str) -> ClientFailure:
        problem = _problem(answer) if answer is not None else None
        what = f"{self.place.url} cannot be reached: {why}"
        return ClientFailure(
            str(problem.get("code", "unavailable")) if problem else "unreachable",
            f"{what}. {problem['detail']}" if problem and problem.get("detail") else what,
            exit_code=UNREACHABLE,
            status=answer.status_code if answer is not None else None,
            remedy=f"see `./gemba doctor` where it runs; the address is from {self.place.url_from}. "
            "Doing the same again later is safe",
        )

    def _read(self, call: Call, answer: httpx.Response) -> Any:
        if answer.is_success:
            if not answer.content:
                return None
            try:
                return answer.json()
            except ValueError:
                raise _not_gemba(self.place, call, "something that is not JSON") from None
        problem = _problem(answer)
        if problem is None:
            to = f"a redirect to {answer.headers['Location']}" if answer.has_redirect_location else ""
            raise _not_gemba(self.place, call, to or f"{answer.status_code} without saying why")
        failure = failure_of(answer.status_code, problem)
        failure.remedy = self._remedy(failure)
        raise failure

    def _remedy(self, failure: ClientFailure) -> str:
        whose = f"the token is from {self.place.token_from}"
        if failure.status == 401:
            return f"{whose}; it was revoked or is too old: an administrator makes another with `./gemba token create`"
        if failure.exit_code == NOT_ALLOWED:
            return f"{whose}, and `./gemba whoami` says whose it is; for another person's, set GEMBA_TOKEN"
        if failure.status == 404:
            return f"{whose}: what its person may not see looks as if it were not there (`./gemba whoami`)"
        return ""


def _problem(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        found = answer.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) and ("code" in found or "detail" in found) else None


def _not_gemba(place: Place, call: Call, what: str) -> ClientFailure:
    return ClientFailure(
        "not_gemba",
        f"{place.url} answered {call.method} {call.path} with {what}",
        exit_code=UNREACHABLE,
        remedy=f"see whether that is the address of an installation of this version (it is from {place.url_from})",
    )


def _retry_after(answer: httpx.Response) -> float:
    """Seconds; a date or nonsense in the header counts as nothing."""
    try:
        return max(0.0, float(answer.headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__


def _trust(place: Place) -> ssl.SSLContext | bool:
    """The system's authorities, and the one that an installation's certificate was signed by."""
    if place.authority is None:
        return True
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=place.authority)
    except (OSError, ssl.SSLError) as wrong:
        raise ClientFailure(
            "certificate_unusable",
            f"{place.authority} is no certificate to trust: {wrong}",
            remedy="GEMBA_CA is a PEM file, such as ca.pem in the folder of `./gemba compose init`",
        ) from wrong
    return context


def _patience() -> float:
    """`GEMBA_PATIENCE`: seconds to go on trying for."""
    given = os.environ.get("GEMBA_PATIENCE")
    try:
        return PATIENCE_SECONDS if given is None else max(0.0, float(given))
    except ValueError:
        raise ClientFailure(
            "patience_invalid", f"GEMBA_PATIENCE is {given!r}", remedy="it is a number of seconds, such as 30"
        ) from None
