"""``./gemba chaos``: real processes under load while everything around them dies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from deploy.local.cli._options import AsJson, examples

if TYPE_CHECKING:
    from tests.chaos.campaign import Plan, Verdict


def register(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "chaos --seed 7 --faults 10 --facts 500",
            "chaos --seed 7 --faults 4 --facts 200 --kinds kill-service,cut-postgres --json",
        )
    )(chaos)


def chaos(
    *,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed, the same load and faults.")] = 1,
    faults: Annotated[int, typer.Option("--faults", min=0, help="How many faults.")] = 10,
    facts: Annotated[int, typer.Option("--facts", min=1, help="How many facts clients make through the API.")] = 500,
    kinds: Annotated[
        str, typer.Option("--kinds", metavar="A,B,…", help="Kinds of faults; `--kinds list` names them.")
    ] = "",
    brokers: Annotated[int, typer.Option("--brokers", min=1, max=5, help="Apache Kafka brokers.")] = 3,
    replicas: Annotated[int, typer.Option("--replicas", min=1, max=4, help="Replicas of every service.")] = 2,
    port: Annotated[int | None, typer.Option("--port", min=1024, max=65535, help="Of the web origin.")] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--within", min=1, metavar="SECONDS", help="Begin no fault later than this after the first."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a whole installation of its own under load, break it as the seed says, and compare what is left.

    Exit code 1 on any breach: then it prints the command that repeats it and keeps the evidence. Ctrl-C ends it
    and leaves nothing behind.
    """
    import asyncio
    import json

    from deploy.local import process
    from deploy.local.problem import Problem
    from deploy.local.size import Size
    from tests.chaos.campaign import Plan
    from tests.chaos.kinds import KINDS, choose
    from tests.chaos.schedule import draw

    if kinds == "list":
        for kind in KINDS.values():
            typer.echo(f"{kind.name:20} {kind.says}")
        return
    chosen = choose([name.strip() for name in kinds.split(",") if name.strip()])
    plan = Plan(seed, faults, facts, chosen, Size(brokers, replicas), port, seconds)
    draw(seed, facts, faults, chosen)  # says what does not fit before anything starts
    if port is not None and not process.port_is_free(port):
        raise Problem(f"port {port} is in use by another program", remedy="end that program, or choose another --port")
    verdict = asyncio.run(_run(plan, quiet=as_json))
    if verdict is None:
        raise KeyboardInterrupt
    if as_json:
        typer.echo(json.dumps(verdict.as_json(), indent=2))
    else:
        _show(verdict)
    raise typer.Exit(1 if verdict.breaches else 0)


async def _run(plan: Plan, *, quiet: bool) -> Verdict | None:
    import sys

    from deploy.local.foreground import Timeline, until_interrupted
    from deploy.local.problem import Problem
    from tests.chaos.campaign import run_campaign

    say = Timeline(sys.stderr if quiet else sys.stdout)
    verdict: Verdict | None = None
    failure: list[Problem] = []

    async def run() -> None:
        nonlocal verdict
        try:
            verdict = await run_campaign(plan, say)
        except Problem as problem:
            failure.append(problem)

    await until_interrupted(run(), say)
    if failure:
        raise failure[0]
    return verdict


def _show(verdict: Verdict) -> None:
    result = verdict.as_json()
    for name, value in result.items():
        if name not in {"recoveries", "breaches", "command", "evidence"}:
            typer.echo(f"{name.replace('_', ' '):22} {value}")
    for one in result["recoveries"]:
        also = f", gone after {one['exit_seconds']} s" if one["exit_seconds"] is not None else ""
        also += f", {one['also']}" if one["also"] else ""
        typer.echo(
            f"  {one['kind']:18} {one['target']:24} well again after {one['recovery_seconds']} s, "
            f"memory +{one['grew_mebibytes']} MiB{also}"
        )
    for breach in result["breaches"]:
        typer.echo(f"BREACH {breach}")
    if result["breaches"]:
        typer.echo(f"\nAgain: {result['command']}\nEvidence: {result['evidence']}")
