"""The people of the story: each signs in by the link in their mail and then uses the public HTTP API, nothing else."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.demo.observing import Inbox
from deploy.local.demo.programme import MAIL_DOMAIN
from deploy.local.demo.stage import Trust

_LINK = re.compile(r"https?://[^\s\"'<>]+/directory/enter\?token=[\w.~%-]+")


class Refused(Exception):
    """The API answered with a problem."""

    def __init__(self, actor: str, request: str, answer: httpx.Response) -> None:
        super().__init__(f"{actor}: {request} was answered {answer.status_code}: {answer.text[:800]}")
        self.status = answer.status_code


class Actor:
    """One person at a browser or a phone."""

    def __init__(
        self, key: str, origin: str, *, email: str | None = None, token: str | None = None, trust: Trust = True
    ) -> None:
        self.key = key
        self.email = email or f"{key.lower()}@{MAIL_DOMAIN}"
        self.person_id = ""
        self.name = key
        headers = {"Authorization": f"Bearer {token}"} if token else {"Sec-Fetch-Site": "same-origin"}
        self._origin = origin
        self._trust = trust
        self._http = httpx.AsyncClient(base_url=origin, timeout=60, headers=headers, trust_env=False, verify=trust)

    async def close(self) -> None:
        """Leave."""
        await self._http.aclose()

    async def sign_in(self, inbox: Inbox) -> None:
        """Ask for a link, take it from the mail, press the button."""
        before = len(await inbox.messages(self.email))
        await self.post("/directory/api/sign-in", {"email": self.email})

        def is_new_link(message: dict[str, Any]) -> bool:
            return bool(_LINK.search(message.get("text") or ""))

        async def newest() -> dict[str, Any] | None:
            fresh = [message for message in (await inbox.messages(self.email))[before:] if is_new_link(message)]
            return fresh[-1] if fresh else None

        from deploy.local.demo.observing import until

        message = await until(newest, f"the sign-in link of {self.key}")
        link = _LINK.search(message["text"])
        assert link is not None
        token = link.group().partition("token=")[2]
        entered = await self._http.post("/directory/enter", data={"token": token}, follow_redirects=False)
        if entered.status_code not in {200, 302, 303}:
            raise Refused(self.key, "entering by the link", entered)
        await self.introduce()

    async def introduce(self) -> None:
        """Learn who one is."""
        me = await self.get("/directory/api/me")
        self.person_id = me["person_id"]
        self.name = me["name"]

    async def get(self, path: str, **params: str) -> Any:
        """GET, as JSON; raises `Refused`."""
        answer = await self._http.get(path, params=params)
        return self._read(f"GET {path}", answer)

    async def post(self, path: str, body: object | None = None) -> Any:
        """POST JSON with a fresh idempotency key; raises `Refused`."""
        answer = await self._http.post(path, json=body or {}, headers={"Idempotency-Key": str(uuid4())})
        return self._read(f"POST {path}", answer)

    async def upload(self, path: str, filename: str, data: bytes) -> Any:
        """Send a workbook; raises `Refused`."""
        answer = await self._http.post(
            path, files={"workbook": (filename, data)}, headers={"Idempotency-Key": str(uuid4())}
        )
        return self._read(f"POST {path} {filename}", answer)

    async def tap(self, link: str) -> None:
        """Follow a one-tap link as a mail program's browser does: look (GET), then press the button (POST)."""
        same_origin = {"Sec-Fetch-Site": "same-origin"}
        async with httpx.AsyncClient(timeout=30, trust_env=False, headers=same_origin, verify=self._trust) as phone:
            shown = await phone.get(link)
            if shown.status_code != 200:
                raise Refused(self.key, "opening the one-tap link", shown)
            path, _, token = link.partition("?t=")
            done = await phone.post(path, data={"t": token})
            if done.status_code >= 400:
                raise Refused(self.key, "pressing the one-tap button", done)

    def _read(self, request: str, answer: httpx.Response) -> Any:
        if answer.status_code >= 300:
            raise Refused(self.key, request, answer)
        return answer.json() if answer.content else None
