"""`./gemba demo`: everything started, the story played and observed, the figures told."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.demo.chapters import CHAPTERS
from deploy.local.demo.chapters.cast import BEGINS, COORDINATOR, DEPUTY, HEAD, OFFICER, ZONE, Cast
from deploy.local.demo.programme import MAIL_DOMAIN
from deploy.local.demo.timeline import Timeline
from deploy.local.demo.world import World, open_world
from deploy.local.problem import Problem
from shared.clock import SteeredClock

if TYPE_CHECKING:
    from deploy.local.demo.stage import Stage
    from deploy.local.state import State
    from deploy.local.supervisor import Report

SIGN_INS = (COORDINATOR, "BD-T01", OFFICER, DEPUTY, HEAD)


def prepare_clock(state: State) -> tuple[SteeredClock, Path]:
    """The clock of the story, standing at its beginning."""
    path = state.folder / "clock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SteeredClock.create(path, BEGINS), path


async def play(installation: Stage, clock: SteeredClock, token: str, report: Report) -> None:
    """The whole story. Raises `Problem` naming the step that was not observed."""
    timeline = Timeline(ZONE)
    started = time.monotonic()
    cast = Cast()
    async with open_world(installation, clock, timeline, token) as world:
        for title, chapter in CHAPTERS:
            timeline.chapter(title)
            await _observe(title, chapter(world, cast), world)
        await _summarise(world, cast, time.monotonic() - started)
    clock.run()  # from here on time goes by as usual


async def _observe(title: str, chapter: asyncio.Future[None] | object, world: World) -> None:
    try:
        await chapter  # type: ignore[misc]
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise
    except Exception as fault:
        raise Problem(
            f"the story stopped in “{title}” after {world.timeline.steps} steps: {type(fault).__name__}: {fault}",
            remedy=f"the services' logs are in {world.installation.where_logs_are}",
        ) from fault


async def _summarise(world: World, cast: Cast, seconds: float) -> None:
    mail = await world.inbox.messages()
    facts = world.log.events
    memory = world.installation.memory()
    cast.figures |= {
        "steps observed": str(world.timeline.steps),
        "facts on the log": str(len(facts)),
        "mail and SMS": f"{sum(m['kind'] == 'mail' for m in mail)} + {sum(m['kind'] == 'sms' for m in mail)}",
        "business time": f"{(world.clock.now() - BEGINS).days} days",
        "real time of the story": f"{seconds:.0f} s",
    }
    if memory:
        cast.figures["memory of all processes"] = f"{sum(memory.values()) // 1_000_000} MB"
    world.timeline.summary(cast.figures)


def sign_in_help(installation: Stage) -> str:
    """Where to go now, and as whom."""
    lines = [
        f"\nEverything goes on running at {installation.origin}/ until Ctrl-C.",
        f"Mail and SMS: {installation.inbox_url}",
        "Sign in with one of these addresses; the link comes to that inbox:",
    ]
    lines += [f"  {key.lower()}@{MAIL_DOMAIN}" for key in SIGN_INS]
    return "\n".join(lines)
