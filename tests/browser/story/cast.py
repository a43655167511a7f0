"""Who plays, and what the chapters hand to each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser

from deploy.local.demo.world import World
from tests.browser.visitor import DESK, Visitor, visiting

COORDINATOR = "BD-COORD"
OFFICER = "BD-OFFICER"
DEPUTY = "BD-DEPUTY"
HEAD = "BD-HEAD"
COHORT = "Spring in Gazipur"
SEEN = "A girl of perhaps twelve at a sewing machine on the second floor; she says that she works here every day."


@dataclass
class Story:
    """The world, its browser, and what was found on the way."""

    world: World
    browser: Browser
    rooms: AsyncExitStack
    visitors: dict[str, Visitor] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    """Chapters that came to their end."""
    cohort: str = ""
    visit: str = ""
    """Address of the baseline visit that the trainer accepts and reports."""
    site: str = ""
    trainer: str = ""
    case: str = ""
    verification: str = ""

    async def visitor(self, key: str, size: tuple[int, int] = DESK) -> Visitor:
        """The browser of the person with this key, signed in by the link in their mail."""
        if key not in self.visitors:
            visitor = await self.stranger(size)
            await visitor.sign_in(key)
            self.visitors[key] = visitor
        return self.visitors[key]

    async def stranger(self, size: tuple[int, int] = DESK) -> Visitor:
        """A browser in which nobody is signed in."""
        return await self.rooms.enter_async_context(visiting(self.browser, self.world.installation.origin, size))

    def after(self, chapter: str) -> None:
        """This chapter goes on from another one. Fails when that one did not come to its end."""
        assert chapter in self.told, f"“{chapter}” comes first: run the whole file"


@asynccontextmanager
async def telling(world: World, browser: Browser) -> AsyncIterator[Story]:
    """A story from its beginning; every browser is closed at its end."""
    async with AsyncExitStack() as rooms:
        yield Story(world, browser, rooms)
