"""What the rows of the scheduler's sheets would change, and what is wrong with them as a whole.

Each row was read and typed before; here they are held against each other, against the workbook's other sheets and
against what is known already. A workbook adds and changes; it never takes away what it does not mention.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.scheduler.domain.delivery import CircularStages, Stage, in_order

TRAINERS, CERTIFICATES, LEAVE, HOLIDAYS = "trainers", "certificates", "leave", "holidays"
MODULES, STAGES = "modules", "stages"
OWN = (TRAINERS, CERTIFICATES, LEAVE, HOLIDAYS, MODULES, STAGES)

Rows = Sequence[tuple[int, Mapping[str, Any]]]
"""Row numbers as a person sees them, and typed values by column."""


@dataclass(frozen=True, slots=True)
class SheetFault:
    """Row 0 is the whole sheet."""

    sheet: str
    row: int
    column: str
    code: str
    message: str
    expected: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is there before. `people` and `enterprises` map keys to countries, those of the workbook itself included;
    `countries` are those the importer may change, None for all. `may_change_catalogue`: an administrator may change
    what holds for all countries, a coordinator may only add to it.
    """

    people: Mapping[str, str]
    enterprises: Mapping[str, str]
    countries: frozenset[str] | None
    may_change_catalogue: bool
    trainers: Mapping[str, tuple[object, ...]]
    certificates: Mapping[tuple[object, ...], tuple[object, ...]]
    leave: Mapping[tuple[object, ...], tuple[object, ...]]
    holidays: Mapping[tuple[object, ...], tuple[object, ...]]
    modules: Mapping[str, tuple[object, ...]]
    plans: Mapping[tuple[str, str], Sequence[Stage]]

    def mine(self, country: str | None) -> bool:
        """Whether the importer may change things of a country."""
        return country is not None and (self.countries is None or country in self.countries)


@dataclass(slots=True)
class Counts:
    """What one sheet does."""

    sheet: str
    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class SheetChanges:
    """Rows to be written, in the order of their tables' columns; `plans` by module and country."""

    trainers: list[tuple[object, ...]] = field(default_factory=list)
    certificates: list[tuple[object, ...]] = field(default_factory=list)
    leave: list[tuple[object, ...]] = field(default_factory=list)
    holidays: list[tuple[object, ...]] = field(default_factory=list)
    modules: list[tuple[object, ...]] = field(default_factory=list)
    plans: dict[tuple[str, str], list[Stage]] = field(default_factory=dict)
    countries: set[str] = field(default_factory=set)
    """Countries whose planning is concerned; an empty one is all of them."""
    counts: list[Counts] = field(default_factory=list)
    faults: list[SheetFault] = field(default_factory=list)

    def fault(self, sheet: str, row: int, column: str, code: str, message: str, expected: str) -> None:
        """Note a fault."""
        self.faults.append(SheetFault(sheet, row, column, code, message, expected))


def work_out(sheets: Mapping[str, Rows], known: Known) -> SheetChanges:
    """Everything that the sheets would change. With faults nothing may be taken."""
    changes = SheetChanges()
    if TRAINERS in sheets:
        _trainers(sheets[TRAINERS], known, changes)
    if CERTIFICATES in sheets:
        modules = set(known.modules) | {values["code"] for _, values in sheets.get(MODULES, ())}
        _certificates(sheets[CERTIFICATES], known, modules, changes)
    if LEAVE in sheets:
        _leave(sheets[LEAVE], known, changes)
    if HOLIDAYS in sheets:
        _holidays(sheets[HOLIDAYS], known, changes)
    if MODULES in sheets:
        _modules(sheets[MODULES], known, changes)
    if STAGES in sheets:
        modules = set(known.modules) | {values["code"] for _, values in sheets.get(MODULES, ())}
        _stages(sheets[STAGES], known, modules, changes)
    return changes


def _person_ok(sheet: str, row: int, key: str, known: Known, changes: SheetChanges) -> bool:
    country = known.people.get(key)
    if known.mine(country):
        changes.countries.add(str(country))
        return True
    changes.fault(
        sheet,
        row,
        "person",
        "unknown_person",
        f"There is no person {key!r}, or they are not of your countries.",
        "the key of a person in the sheet people, or of one imported before",
    )
    return False


def _count(counts: Counts, before: tuple[object, ...] | None, after: tuple[object, ...]) -> bool:
    """Whether there is anything to write."""
    counts.rows += 1
    if before == after:
        counts.unchanged += 1
        return False
    if before is None:
        counts.new += 1
    else:
        counts.changed += 1
    return True


def _trainers(rows: Rows, known: Known, changes: SheetChanges) -> None:
    counts = Counts(TRAINERS)
    changes.counts.append(counts)
    for row, values in rows:
        ok = _person_ok(TRAINERS, row, values["person"], known, changes)
        for enterprise in values["conflicts"]:
            if enterprise not in known.enterprises:
                ok = False
                changes.fault(
                    TRAINERS,
                    row,
                    "conflicts",
                    "unknown_enterprise",
                    f"There is no enterprise {enterprise!r}.",
                    "keys of enterprises in the sheet enterprises, or imported before",
                )
        after = (
            values["person"],
            values["home_latitude"],
            values["home_longitude"],
            values["region"],
            sorted(day + 1 for day in values["working_weekdays"]),  # the sheet's Monday is 0, ISO's is 1
            values["max_visits_per_day"],
            values["max_visits_per_week"],
            sorted(values["conflicts"]),
        )
        if ok and _count(counts, known.trainers.get(values["person"]), after):
            changes.trainers.append(after)


def _certificates(rows: Rows, known: Known, modules: set[str], changes: SheetChanges) -> None:
    counts = Counts(CERTIFICATES)
    changes.counts.append(counts)
    for row, values in rows:
        ok = _person_ok(CERTIFICATES, row, values["person"], known, changes)
        ok = _module_ok(CERTIFICATES, row, values["module"], modules, changes) and ok
        if values["valid_to"] is not None and values["valid_to"] < values["valid_from"]:
            ok = False
            changes.fault(
                CERTIFICATES,
                row,
                "valid_to",
                "ends_before_it_starts",
                f"valid_to {values['valid_to']} is before valid_from {values['valid_from']}.",
                "a later day, or an empty cell for a certificate without end",
            )
        key = (values["person"], values["module"], values["level"], values["valid_from"])
        after = (*key, values["valid_to"])
        if ok and _count(counts, known.certificates.get(key), after):
            changes.certificates.append(after)


def _module_ok(sheet: str, row: int, module: str, modules: set[str], changes: SheetChanges) -> bool:
    if module in modules:
        return True
    expected = f"one of {', '.join(sorted(modules))}" if modules else "a module of the sheet modules"
    changes.fault(sheet, row, "module", "unknown_module", f"There is no module {module!r}.", expected)
    return False


def _leave(rows: Rows, known: Known, changes: SheetChanges) -> None:
    counts = Counts(LEAVE)
    changes.counts.append(counts)
    for row, values in rows:
        ok = _person_ok(LEAVE, row, values["person"], known, changes)
        if values["last"] < values["first"]:
            ok = False
            changes.fault(
                LEAVE,
                row,
                "last",
                "ends_before_it_starts",
                f"The last day {values['last']} is before the first day {values['first']}.",
                "a last day not before the first one",
            )
        key = (values["person"], values["first"])
        after = (*key, values["last"])
        if ok and _count(counts, known.leave.get(key), after):
            changes.leave.append(after)


def _holidays(rows: Rows, known: Known, changes: SheetChanges) -> None:
    counts = Counts(HOLIDAYS)
    changes.counts.append(counts)
    seen: dict[tuple[object, ...], int] = {}
    for row, values in rows:
        key = (values["country"], values["day"], values["region"] or "")
        ok = _once(HOLIDAYS, row, "day", key, seen, changes)
        if not known.mine(values["country"]):
            ok = False
            _not_your_country(HOLIDAYS, row, values["country"], known, changes)
        after = (values["country"], values["region"] or "", values["day"], values["name"])
        if ok and _count(counts, known.holidays.get(key), after):
            changes.holidays.append(after)
            changes.countries.add(values["country"])


def _once(
    sheet: str, row: int, column: str, key: tuple[object, ...], seen: dict[tuple[object, ...], int], changes: SheetChanges
) -> bool:
    first = seen.setdefault(key, row)
    if first == row:
        return True
    shown = ", ".join(str(part) for part in key if part != "")
    changes.fault(
        sheet, row, column, "duplicate_key", f"“{shown}” stands in row {first} and again in row {row}.", "each once"
    )
    return False


def _not_your_country(sheet: str, row: int, country: str, known: Known, changes: SheetChanges) -> None:
    mine = ", ".join(sorted(known.countries or ()))
    changes.fault(
        sheet, row, "country", "not_your_country", f"You may not change {country}.", f"one of your countries: {mine}"
    )


def _modules(rows: Rows, known: Known, changes: SheetChanges) -> None:
    counts = Counts(MODULES)
    changes.counts.append(counts)
    for row, values in rows:
        after = (values["code"], values["title"], values["version"])
        before = known.modules.get(values["code"])
        if before not in (None, after) and not known.may_change_catalogue:
            _needs_administrator(MODULES, row, "code", f"module {values['code']}", changes)
        elif _count(counts, before, after):
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


def _stages(rows: Rows, known: Known, modules: set[str], changes: SheetChanges) -> None:
    counts = Counts(STAGES)
    changes.counts.append(counts)
    groups: dict[tuple[str, str], list[tuple[int, Stage]]] = {}
    seen: dict[tuple[object, ...], int] = {}
    for row, values in rows:
        country = values["country"] or ""
        ok = _module_ok(STAGES, row, values["module"], modules, changes)
        ok = _once(STAGES, row, "stage", (values["module"], country, values["stage"]), seen, changes) and ok
        if country and not known.mine(country):
            ok = False
            _not_your_country(STAGES, row, country, known, changes)
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
        if ok:
            groups.setdefault((values["module"], country), []).append((row, _stage(values)))
    for (module, country), numbered in groups.items():
        _plan(module, country, numbered, known, counts, changes)


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
