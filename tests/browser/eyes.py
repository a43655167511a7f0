"""What is looked at on every page that a browser test visits, whoever it belongs to.

No message of the browser (a breach of the content security policy is one), no request that leaves the origin, nothing
inline, one heading, landmarks, labels, a focus that can be seen, no scrolling sideways on a phone, and nothing that
axe-core calls serious, by day and by night.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Page, Request

_HERE = Path(__file__).parent
_AXE = "axe-core-4.14.1.min.js"
_PHONE_WIDTH = 390
_SERIOUS = {"serious", "critical"}


@cache
def _script(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def axe_script() -> str:
    """axe-core as it was vendored. Raises `ValueError` when the file is another one."""
    content = (_HERE / "vendor" / _AXE).read_bytes()
    sums = dict(reversed(line.split()) for line in (_HERE / "vendor" / "SHA256SUMS").read_text().splitlines())
    if hashlib.sha256(content).hexdigest() != sums[_AXE]:
        raise ValueError(f"{_AXE} is not the file whose checksum stands in SHA256SUMS")
    return content.decode()


class Eyes:
    """Watches one page object for as long as it lives, and looks closely when asked."""

    def __init__(self, page: Page, origin: str) -> None:
        self._page = page
        self._origin = origin
        self.heard: list[str] = []
        """What the browser said or did that it should not."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.heard.append(f"script error: {error}"))
        page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        # A form that comes back with its faults is answered 422; the browser logs that as an error.
        if "the server responded with a status of 4" in message.text:
            return
        self.heard.append(f"console {message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self._origin + "/", "data:", "blob:")):
            self.heard.append(f"a request left the origin: {request.url}")

    async def look(self) -> None:
        """Assert that the page as it stands has no fault."""
        page = self._page
        where = page.url.removeprefix(self._origin)
        faults = list(self.heard)
        self.heard.clear()
        faults += await page.evaluate(_script("look.js"))
        faults += await self._axe()
        await page.emulate_media(color_scheme="dark")
        faults += [f"{fault} (in the dark)" for fault in await self._axe("color-contrast")]
        await page.emulate_media(color_scheme="light")
        faults += await self._on_a_phone()
        await page.keyboard.press("Tab")
        faults += await page.evaluate(_script("focus.js"))
        assert not faults, f"{where}:\n" + "\n".join(dict.fromkeys(faults))

    async def _on_a_phone(self) -> list[str]:
        page, size = self._page, self._page.viewport_size
        assert size is not None
        await page.set_viewport_size({"width": _PHONE_WIDTH, "height": 844})
        width = await page.evaluate("document.documentElement.scrollWidth")
        faults = [f"{width} px wide on a phone of {_PHONE_WIDTH}"] if width > _PHONE_WIDTH else []
        await page.set_viewport_size(size)
        return faults

    async def _axe(self, *rules: str) -> list[str]:
        page = self._page
        if not await page.evaluate("typeof axe === 'object'"):
            await page.evaluate(axe_script() + ";0")
        options: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False}
        if rules:
            options["runOnly"] = {"type": "rule", "values": list(rules)}
        found = await page.evaluate("options => axe.run(document, options).then(({violations}) => violations)", options)
        return [
            f"axe {violation['impact']} {violation['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
            for violation in found
            if violation["impact"] in _SERIOUS
            for node in violation["nodes"][:3]
        ]
