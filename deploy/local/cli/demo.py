"""``./gemba demo``: a sample programme and its whole story, played live through the public HTTP API."""

from __future__ import annotations

from typing import Annotated

import typer

_EXAMPLES = """Examples:

  ./gemba demo            # plays the story, then leaves everything running

  ./gemba demo --once     # stops after the story; exit code 0 only if every step was observed
"""


def register(app: typer.Typer) -> None:
    app.command(epilog=_EXAMPLES)(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the story.")] = False,
) -> None:
    """Tell the whole story on a sample programme, on a clock of its own; nothing of `up` is touched."""
    import asyncio

    asyncio.run(_demo(once=once))


async def _demo(*, once: bool) -> None:
    import asyncio
    import shutil

    from deploy.local.demo.play import play, prepare_clock, sign_in_help
    from deploy.local.foreground import Timeline, until_interrupted
    from deploy.local.installation import default_state, running_installation
    from deploy.local.problem import Problem
    from deploy.local.state import State

    say = Timeline()
    state = State(default_state().folder / "demo")
    if state.is_running():
        raise Problem("a demonstration is running already", remedy="stop it with Ctrl-C, or look at its address")
    shutil.rmtree(state.folder, ignore_errors=True)
    clock, path = prepare_clock(state)

    async def run() -> None:
        async with running_installation(state, profile="demo", clock=f"steered:{path}", report=say) as gemba:
            await play(gemba, clock, gemba.administrator_token(), say)
            if once:
                return
            typer.echo(sign_in_help(gemba))
            await asyncio.Event().wait()

    failure: list[Problem] = []

    async def run_and_keep_failure() -> None:
        try:
            await run()
        except Problem as problem:
            failure.append(problem)

    await until_interrupted(run_and_keep_failure(), say)
    if failure:
        raise failure[0]
