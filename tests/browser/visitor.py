"""Somebody at a browser: their own cookies, a desk or a phone, and hands that only click and type."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, expect

from deploy.local.demo.programme import MAIL_DOMAIN
from tests.browser.eyes import Eyes

DESK = (1280, 900)
PHONE = (390, 844)
PICTURES = Path(__file__).resolve().parent.parent.parent / "docs" / "images"
_PATIENCE_MS = 20_000
_pictures = itertools.count()


class Visitor:
    """One person and what they see."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.eyes = Eyes(page, origin)

    async def open(self, path: str, *, look: bool = True) -> None:
        """Type an address of the installation."""
        await self.page.goto(self.origin + path if path.startswith("/") else path)
        if look:
            await self.look()

    async def follow(self, link: str | re.Pattern[str] | Locator, *, look: bool = True) -> None:
        """Click a link (it may look like a button) and see where it leads."""
        if not isinstance(link, Locator):
            page = self.page
            link = page.get_by_role("link", name=link).or_(page.locator("a[role=button]", has_text=link)).first
        await self._go(link, look)

    def leading_to(self, part: str) -> Locator:
        """The first link whose address has this in it: links in mails have no other name."""
        return self.page.locator(f"a[href*='{part}']").first

    async def press(self, button: str | re.Pattern[str] | Locator, *, look: bool = True) -> None:
        """Press a button that sends a form, and see the answer."""
        await self._go(
            button if isinstance(button, Locator) else self.page.get_by_role("button", name=button).first, look
        )

    async def _go(self, what: Locator, look: bool) -> None:
        async with self.page.expect_navigation(timeout=_PATIENCE_MS):
            await what.click(timeout=_PATIENCE_MS)
        if look:
            await self.look()

    async def look(self) -> None:
        """See that the page as it stands has no fault."""
        await self.eyes.look()
        await self._keep()

    async def fill(self, **fields: str) -> None:
        """Type into fields, by their names: `first_day="2026-03-08"`."""
        for name, value in fields.items():
            await self.page.locator(f"[name={name}]").first.fill(value)

    async def sees(self, *texts: str | re.Pattern[str]) -> None:
        """Wait until each of these can be read in the page's main part."""
        for text in texts:
            await expect(self.page.locator("main")).to_contain_text(text, timeout=_PATIENCE_MS)

    async def does_not_see(self, *texts: str) -> None:
        """None of these stands anywhere on the page, seen or not."""
        content = (await self.page.content()).casefold()
        for text in texts:
            assert text.casefold() not in content, f"{self.page.url} shows “{text}”"

    async def sign_in(self, key: str, *, look: bool = False) -> None:
        """By the link that comes by mail; it is read in the dev inbox, in the same browser."""
        if "/directory/sign-in" not in self.page.url:
            await self.open("/directory/sign-in", look=look)
        await self.fill(email=address_of(key))
        await self.press("Send me a link", look=look)
        await self.sees("Look in your mail")
        await self.open_mail(key, re.compile("sign", re.IGNORECASE), look=look)
        await self.follow(self.leading_to("/directory/enter"), look=look)
        await self.press(re.compile("Sign in as"), look=look)

    async def open_mail(self, key: str, subject: str | re.Pattern[str], *, look: bool = True) -> None:
        """Open the newest message to somebody with this in its line in the inbox, once it is there."""
        line = self.page.locator(".messages li").filter(has_text=subject).get_by_role("link").first
        async with asyncio.timeout(_PATIENCE_MS / 1000):
            while True:  # opened again: without scripts it does not show by itself what comes later
                await self.open(f"/inbox/?to={address_of(key)}", look=False)
                try:
                    await expect(line).to_be_visible(timeout=1000)
                    break
                except AssertionError:
                    continue
        await self.follow(line, look=look)

    async def _keep(self) -> None:
        """A picture of every page looked at, on a desk or a phone as it is, where `GEMBA_PICTURES` names a folder."""
        folder = os.environ.get("GEMBA_PICTURES")
        if folder:
            title = re.sub(r"\W+", "-", (await self.page.title()).casefold())[:50]
            await self.page.screenshot(path=Path(folder) / f"{next(_pictures):03d}-{title}.png", full_page=True)

    async def picture(self, name: str, *, full: bool = False) -> None:
        """Keep what is seen for the documents, when asked to (`GEMBA_SCREENSHOTS=1`)."""
        if os.environ.get("GEMBA_SCREENSHOTS") != "1":
            return
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
        path = PICTURES / f"{name}.png"
        await self.page.screenshot(path=path, full_page=full, animations="disabled", caret="hide")
        assert path.stat().st_size < 200_000, f"{path.name} is larger than a README should load"


def address_of(key: str) -> str:
    """Where somebody's mail arrives."""
    return f"{key.lower()}@{MAIL_DOMAIN}"


@asynccontextmanager
async def visiting(
    browser: Browser, origin: str, size: tuple[int, int] = DESK, *, scripts: bool = True
) -> AsyncIterator[Visitor]:
    """A browser of one's own, closed at the end."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        is_mobile=size == PHONE,
        has_touch=size == PHONE,
        java_script_enabled=scripts,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(_PATIENCE_MS)
    try:
        yield Visitor(await context.new_page(), origin)
    finally:
        await context.close()
