"""The looks at every page can fail: each fault put into a good page is seen and named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Route

from tests.browser.visitor import visiting

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.asyncio(loop_scope="session")]

_ORIGIN = "http://eyes.example"
_GOOD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page · Gemba</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css"></head>
<body><header><a href="/">Gemba</a></header><main><h1>A page</h1><label>Name <input name="name"></label></main></body></html>"""
_STYLE = (
    ":focus-visible { outline: 3px solid #0e5a4b; } .wide { width: 700px; } .pale { color: #bbb; background: #fff; }"
)

_FAULTS = [
    ("<p style='color: red'>…</p>", "inline style or script"),
    ("<p onclick='x()'>…</p>", "inline handler onclick"),
    ("<script>let x = 1;</script>", "inline style or script"),
    ("<h1>Another</h1>", "2 headings of the first level"),
    ("<input name='more'>", "a field without a label"),
    ("<nav><a href='/x'>x</a></nav>", "unnamed nav"),
    ("<p class='wide'>wide</p>", "px wide on a phone"),
    ("<p class='pale'>pale</p>", "color-contrast"),
    ("<p id='a'>1</p><p id='a'>2</p>", "two elements with the id a"),
    ("<p>Trainer: None</p>", "the text shows None"),
    ("<img src='/picture.png'>", "image-alt"),
    ("<img src='https://elsewhere.example/pixel.png' alt='a'>", "a request left the origin"),
    ("<script src='/throws.js'></script>", "script error"),
]


@pytest.mark.parametrize(("fault", "seen"), [*_FAULTS, ("", "")], ids=lambda value: value[:30])
async def test_a_fault_of_a_page_is_seen(chromium: Browser, fault: str, seen: str) -> None:
    async with visiting(chromium, _ORIGIN) as visitor:
        await visitor.page.route("**/*", _served(_GOOD.replace("</main>", f"{fault}</main>")))
        if not seen:
            await visitor.open("/")
            return
        with pytest.raises(AssertionError, match=seen):
            await visitor.open("/")


async def test_a_focus_that_cannot_be_seen_is_a_fault(chromium: Browser) -> None:
    async with visiting(chromium, _ORIGIN) as visitor:
        await visitor.page.route("**/*", _served(_GOOD, style="* { outline: none !important; }"))
        with pytest.raises(AssertionError, match="the focus cannot be seen"):
            await visitor.open("/")


async def test_what_the_content_security_policy_stops_is_a_fault(chromium: Browser) -> None:
    """The look itself passes the strict policy: it is run from outside."""
    async with visiting(chromium, _ORIGIN) as visitor:
        policy = "default-src 'none'; style-src 'self'; img-src 'self' data:"
        await visitor.page.route("**/*", _served(_GOOD, policy=policy))
        await visitor.open("/")
        await visitor.page.unroute("**/*")
        broken = _GOOD.replace("</main>", "<script src='/throws.js'></script></main>")
        await visitor.page.route("**/*", _served(broken, policy=policy))
        with pytest.raises(AssertionError, match="Content Security Policy"):
            await visitor.open("/")


def _served(page: str, *, style: str = _STYLE, policy: str = "") -> Callable[[Route], Awaitable[None]]:
    async def serve(route: Route) -> None:
        path = route.request.url.removeprefix(_ORIGIN)
        headers = {"Content-Security-Policy": policy} if policy else {}
        if path == "/":
            await route.fulfill(body=page, content_type="text/html", headers=headers)
        elif path.endswith(".css"):
            await route.fulfill(body=style, content_type="text/css")
        elif path.endswith(".js"):
            await route.fulfill(body="throw new Error('broken')", content_type="text/javascript")
        else:
            await route.fulfill(body=b"", content_type="image/png")

    return serve
