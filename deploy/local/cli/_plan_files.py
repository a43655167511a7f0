"""``./gemba plan solve`` and ``plan check``: the planner alone, on files; no installation is needed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.local.cli._json_file import read_json
from deploy.local.cli._options import AsJson, examples
from deploy.local.cli._plan_travel import Roads, by_road
from deploy.local.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.local.client.output import Output
    from services.scheduler.planner import Instance, Plan, Progress, Violation

_FORMAT = "docs/reference/planner-instance.md"
_OF_THE_BOOKS = frozenset({"cost", "bound", "status", "unplaced_has_reason", "absent_has_reason", "accounted_for"})


def add_to(plan: typer.Typer) -> None:
    """Both commands, beside those that speak to an installation."""
    plan.command(
        "solve",
        epilog=examples(
            "plan solve instance.json --seconds 10",
            "plan solve instance.json --work 5 --seed 2 --json",
            "plan solve country.json --seconds 60 --workers 2",
            "plan solve instance.json --travel roads.json",
            "plan solve instance.json --travel http://localhost:5000",
        ),
    )(solve_file)
    plan.command("check", epilog=examples("plan check instance.json plan.json", "plan check i.json p.json --json"))(
        check_file
    )


def solve_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An instance, as JSON.")],
    *,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.001, help="Budget of wall time.")] = None,
    work: Annotated[
        float | None, typer.Option("--work", min=0.000001, help="Budget of work; repeats exactly, unlike seconds.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31 - 1)] = 1,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processors that search a large instance together.")
    ] = 1,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="SVG", help="Write how the plan became better.")
    ] = None,
    travel: Roads = None,
    as_json: AsJson = False,
) -> None:
    """Plan an instance from a file, and let the checker judge the plan.

    Ends with 1 when visits have no place. Ctrl-C ends the search and keeps the best plan so far.
    """
    with _told(as_json=as_json) as out:
        if seconds is not None and work is not None:
            raise Problem("A budget is seconds or work, not both.", remedy="give --seconds or --work")
        from services.scheduler.planner import check, solve

        instance = _instance(file, travel)
        trace, watch = _watch(out, as_json=as_json)
        started = time.monotonic()
        with _interrupted() as stopped:
            plan = solve(
                instance, seed=seed, max_work=work, max_seconds=seconds, workers=workers, progress=watch,
                cancelled=lambda: bool(stopped),
            )  # fmt: skip
        taken = time.monotonic() - started
        found = check(instance, plan)
        if plot is not None:
            from services.scheduler.planner.plot import trace_plot

            points = [(at - started, cost) for at, cost in trace] or [(0.0, plan.cost)]
            points.append((taken, plan.cost))
            plot.write_text(trace_plot(points, plan.bound, title=file.name, unit="seconds"), encoding="utf-8")
        if as_json:
            out.document(_plan_json(plan, found, taken))
        else:
            _show(out, plan, found, taken)
        if found or plan.unplaced:
            raise typer.Exit(1)


def check_file(
    instance_file: Annotated[Path, typer.Argument(metavar="INSTANCE")],
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="At least placements; sums are checked if given.")],
    *,
    travel: Roads = None,
    as_json: AsJson = False,
) -> None:
    """Judge a plan by the independent checker alone. Ends with 1 when it breaks a rule."""
    with _told(as_json=as_json) as out:
        from services.scheduler.planner import check

        instance = _instance(instance_file, travel)
        plan, has_books = _plan(plan_file, instance)
        found = [v for v in check(instance, plan) if has_books or v.constraint not in _OF_THE_BOOKS]
        if as_json:
            out.document({"violations": [_violation(v) for v in found]})
        else:
            for one in found:
                out.line(_sentence(one))
            if not found:
                out.line(f"No rule is broken: {len(plan.placements)} of {len(instance.jobs)} visits placed.")
        if found:
            raise typer.Exit(1)


@contextmanager
def _told(*, as_json: bool) -> Iterator[Output]:
    """With --json a failure is the one document too."""
    from deploy.local.client.failure import document_of
    from deploy.local.client.output import Output

    out = Output(as_json=as_json)
    try:
        yield out
    except Problem as problem:
        if as_json:
            out.document(document_of(problem))
        raise


@contextmanager
def _interrupted() -> Iterator[list[int]]:
    """Ctrl-C is a wish to stop, not an end."""
    import signal

    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _watch(out: Output, *, as_json: bool) -> tuple[list[tuple[float, float]], Callable[[Progress], None]]:
    import sys

    trace: list[tuple[float, float]] = []

    def tell(progress: Progress) -> None:
        trace.append((time.monotonic(), progress.cost))
        if sys.stderr.isatty() and not as_json:
            gap = (progress.cost - progress.bound) / progress.cost if progress.cost > progress.bound else 0.0
            text = (
                f"best {progress.cost:,.1f}  bound {progress.bound:,.1f}  gap {gap:.1%}  left out {progress.unplaced}"
            )
            sys.stderr.write(f"\r\033[K{text}")

    return trace, tell


def _instance(file: Path, travel: str | None) -> Instance:
    import zoneinfo

    from services.scheduler.planner.document import DocumentError, instance_of

    try:
        instance = instance_of(read_json(file))
    except DocumentError as wrong:
        raise Problem(f"{file}: {wrong}.", remedy=f"the format is in {_FORMAT}") from None
    if instance.country_zone not in zoneinfo.available_timezones():
        remedy = "zones are IANA names, such as Asia/Dhaka"
        raise Problem(f"{file}: country_zone: {instance.country_zone!r} is no time zone.", remedy=remedy)
    return instance if travel is None else by_road(instance, travel)


def _plan(file: Path, instance: Instance) -> tuple[Plan, bool]:
    """The plan, and whether it keeps books (cost, bound, reasons) that can be checked."""
    from services.scheduler.planner.document import DocumentError, plan_of

    document = read_json(file)
    has_books = isinstance(document, dict) and "cost" in document
    if isinstance(document, dict) and not has_books:
        placed = {p.get("job_id") for p in document.get("placements", ()) if isinstance(p, dict)}
        left = [{"job_id": j.id, "reasons": []} for j in instance.jobs if j.id not in placed]
        books = {"unplaced": left, "cost": 0, "bound": 0, "gap": 0, "parts": {}, "status": "partial"}
        document = {**books, **document}
    try:
        return plan_of(document), has_books
    except DocumentError as wrong:
        raise Problem(f"{file}: {wrong}.", remedy=f"the format is in {_FORMAT}") from None


def _violation(one: Violation) -> dict[str, Any]:
    return {
        "constraint": one.constraint,
        "text": one.text,
        "job_ids": list(one.job_ids),
        "trainer_id": one.trainer_id,
        "enterprise_id": one.enterprise_id,
        "day": one.day.isoformat() if one.day else None,
    }


def _sentence(one: Violation) -> str:
    about = ", ".join([*one.job_ids, *(x for x in (one.trainer_id, one.enterprise_id, one.day and str(one.day)) if x)])
    return f"{one.constraint}: {one.text} ({about})"


def _plan_json(plan: Plan, found: list[Violation], taken: float) -> dict[str, Any]:
    from services.scheduler.planner.document import plan_document

    return plan_document(plan) | {"violations": [_violation(v) for v in found], "seconds": round(taken, 3)}


def _show(out: Output, plan: Plan, found: list[Violation], taken: float) -> None:
    import sys

    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    out.record([
        ("status", plan.status.value),
        ("placed", f"{len(plan.placements)}, left out {len(plan.unplaced)}"),
        ("cost", f"{plan.cost:,.1f}"),
        ("bound", f"{plan.bound:,.1f}, so at most {plan.gap:.2%} above the optimum"),
        ("parts", ", ".join(f"{name} {points:,.1f}" for name, points in plan.parts.items() if points)),
        ("checker", "no rule is broken" if not found else f"{len(found)} rules are broken"),
        ("seconds", f"{taken:.1f}"),
    ])  # fmt: skip
    for one in found:
        out.line(_sentence(one))
    for away in plan.absences:
        out.line(f"{away.job_id} without {away.enterprise_id}: " + " ".join(r.text for r in away.reasons[:2]))
    for left in plan.unplaced:
        out.line(f"{left.job_id}: " + " ".join(r.text for r in left.reasons[:2]))
