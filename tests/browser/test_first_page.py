"""What a phone on a bad connection loads before it shows anything, and what stays of it."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Response

from deploy.local.demo.world import World
from tests.browser.visitor import PHONE, visiting

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.asyncio(loop_scope="session")]

_MOST_BYTES = 60_000


async def test_the_first_page_is_light_and_its_parts_are_kept(chromium: Browser, programme: World) -> None:
    """Scripts and styles of the first page weigh at most 60 KB as they travel; the second time nothing is asked for."""
    async with visiting(chromium, programme.installation.origin, PHONE) as visitor:
        loaded: list[Response] = []
        visitor.page.on("response", lambda response: loaded.append(response))  # noqa: PLW0108 (it cannot mark a builtin)
        await visitor.open("/directory/sign-in", look=False)
        await visitor.page.wait_for_load_state("networkidle")
        parts = [one for one in loaded if one.request.resource_type in {"script", "stylesheet"}]
        sizes = await asyncio.gather(*(one.request.sizes() for one in parts))
        assert len(parts) >= 4, "the scripts and styles of the layout were not seen"
        weight = sum(size["responseBodySize"] for size in sizes)
        assert 0 < weight <= _MOST_BYTES, f"{weight} bytes of scripts and styles"
        assert all(one.headers.get("content-encoding") for one in parts), "something travels uncompressed"
        assert all("immutable" in one.headers["cache-control"] for one in parts)

        # What is on the page may hold people, and the device may be shared.
        kept = await visitor.page.evaluate("({...sessionStorage, ...localStorage})")
        assert kept == {}


async def test_a_page_works_without_scripts(chromium: Browser, programme: World) -> None:
    """A phone whose browser runs none still signs in."""
    async with visiting(chromium, programme.installation.origin, PHONE, scripts=False) as visitor:
        await visitor.sign_in("BD-T12")
        await visitor.sees("My visits")
