"""SMS by HTTP: POST `{"id", "to", "text"}` as JSON. The id lets a provider drop what it has seen already."""

from urllib.parse import urlsplit

import httpx

from services.notifications.channels.outbound import Outbound, ProviderDown, Refused, Unsure

_SECONDS = 8.0
_PASSING = {408, 425, 429}


class SmsProvider:
    """One gateway; credentials stand in the URL (`https://user:password@host/path`)."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("GEMBA_SMS_URL has an entry that is not http(s)://host/path.")
        local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        self._url = url
        self._client = httpx.AsyncClient(timeout=_SECONDS, trust_env=not local)
        self.name = f"sms:{parts.hostname}"

    async def send(self, item: Outbound) -> None:
        body = {"id": str(item.message_id), "to": item.address, "text": item.content.decode()}
        try:
            answer = await self._client.post(self._url, json=body)
        except (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError) as cut:
            raise Unsure(type(cut).__name__) from cut
        except httpx.HTTPError as fault:
            raise ProviderDown(type(fault).__name__) from fault
        if answer.is_success:
            return
        if answer.is_server_error or answer.status_code in _PASSING or answer.status_code in {401, 403}:
            raise ProviderDown(str(answer.status_code))
        raise Refused("rejected")

    async def close(self) -> None:
        await self._client.aclose()
