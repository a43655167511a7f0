"""The sheets of the catalogue: modules, and stages, which together make the versioned delivery plans."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.scheduler.domain.delivery import CircularStages, Stage, in_order
from services.scheduler.domain.sheet_changes import (
    MODULES,
    STAGES,
    Counts,
    Known,
    Rows,
    SheetChanges,
    SheetFault,
    count_row,
    module_ok,
    not_your_country,
    once,
)


def modules_sheet(rows: Rows, known: Known, changes: SheetChanges) -> None:
    """Modules are known by their code; title and version may change."""
    counts = Counts(MODULES)
    changes.counts.append(counts)
    for row, values in rows:
        after = (values["code"], values["title"], values["version"])
        before = known.modules.get(values["code"])
        if before not in (None, after) and not known.may_change_catalogue:
            _needs_administrator(MODULES, row, "code", f"module {values['code']}", changes)
        elif count_row(counts, before, after):
            changes.modules.append(after)


def _needs_administrator(sheet: str, row: int, column: str, what: str, changes: SheetChanges) -> None:
    changes.fault(
        sheet,
        row,
        column,
        "needs_administrator",
        f"This changes {what}, which holds for every country.",
        "the row as it is now, or an administrator who imports it",
    )


def stages_sheet(rows: Rows, known: Known, modules: set[str], changes: SheetChanges) -> None:
    """All stages of a module and country are one delivery plan."""
    counts = Counts(STAGES)
    changes.counts.append(counts)
    groups: dict[tuple[str, str], list[tuple[int, Stage]]] = {}
    seen: dict[tuple[object, ...], int] = {}
    for row, values in rows:
        country = values["country"] or ""
        ok = module_ok(STAGES, row, values["module"], modules, changes)
        ok = once(STAGES, row, "stage", (values["module"], country, values["stage"]), seen, changes) and ok
        if country and not known.mine(country):
            ok = False
            not_your_country(STAGES, row, country, known, changes)
        low, high = values["min_gap_days"], values["max_gap_days"]
        if high is not None and high < low:
            ok = False
            changes.fault(
                STAGES,
                row,
                "max_gap_days",
                "impossible_gap",
                f"max_gap_days {high} is below min_gap_days {low}.",
                "an empty cell for no upper end, or a larger number",
            )
        ok = _classroom_ok(row, values, changes) and ok
        if ok:
            groups.setdefault((values["module"], country), []).append((row, _stage(values)))
    for (module, country), numbered in groups.items():
        _plan(module, country, numbered, known, counts, changes)


def _classroom_ok(row: int, values: Mapping[str, Any], changes: SheetChanges) -> bool:
    """A quorum and a capacity are a classroom's, and fit together."""
    quorum, capacity = values["quorum"], values["capacity"]
    if values["kind"] != "classroom" and (quorum > 1 or capacity is not None):
        column = "quorum" if quorum > 1 else "capacity"
        told = f"Stage {values['stage']} is a {values['kind']}: it is at one enterprise."
        changes.fault(STAGES, row, column, "not_a_classroom", told, "an empty cell, or a stage of kind classroom")
        return False
    if capacity is not None and capacity < quorum:
        told = f"capacity {capacity} is below quorum {quorum}."
        changes.fault(
            STAGES, row, "capacity", "impossible_capacity", told, "an empty cell for all together, or a larger number"
        )
        return False
    return True


def _stage(values: Mapping[str, Any]) -> Stage:
    return Stage(
        stage=values["stage"],
        kind=values["kind"],
        position=values["order"],
        days=values["days"],
        minutes=round(values["hours"] * 60),
        after=tuple(values["after"]),
        min_gap_days=values["min_gap_days"],
        max_gap_days=values["max_gap_days"],
        offset_days=values["offset_days"],
        online=values["online"],
        quorum=values["quorum"],
        capacity=values["capacity"],
        crew=values["crew"],
    )


def _plan(
    module: str,
    country: str,
    numbered: list[tuple[int, Stage]],
    known: Known,
    counts: Counts,
    changes: SheetChanges,
) -> None:
    """All stages of a module and country are one delivery plan: if any differs, the next version."""
    names = {stage.stage for _, stage in numbered}
    faults = list(_order_faults(module, numbered, names))
    changes.faults += faults
    if faults:
        return
    stages = sorted((stage for _, stage in numbered), key=lambda one: (one.position, one.stage))
    before = known.plans.get((module, country))
    old = {stage.stage: stage for stage in before or ()}
    same = before is not None and sorted(before, key=lambda one: (one.position, one.stage)) == stages
    if before is not None and not same and not country and not known.may_change_catalogue:
        _needs_administrator(STAGES, numbered[0][0], "stage", f"the delivery plan of {module}", changes)
        return
    for stage in stages:
        counts.rows += 1
        if stage.stage not in old:
            counts.new += 1
        elif old[stage.stage] == stage:
            counts.unchanged += 1
        else:
            counts.changed += 1
    if not same:
        changes.plans[module, country] = stages


def _order_faults(module: str, numbered: Iterable[tuple[int, Stage]], names: set[str]) -> Iterator[SheetFault]:
    complete = True
    for row, stage in numbered:
        for name in stage.after:
            if name not in names:
                complete = False
                yield SheetFault(
                    STAGES,
                    row,
                    "after",
                    "unknown_stage",
                    f"Stage {stage.stage} comes after {name!r}, which {module} does not have.",
                    f"one of {', '.join(sorted(names - {stage.stage}))}",
                )
    if complete:
        try:
            in_order(stage for _, stage in numbered)
        except CircularStages as circle:
            yield SheetFault(
                STAGES, 0, "after", "circular_stages", f"Stages of {module} wait for one another: {circle}.", "an order"
            )
