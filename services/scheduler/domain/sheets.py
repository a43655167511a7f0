"""What the rows of the scheduler's sheets would change, and what is wrong with them as a whole.

Each row was read and typed before; here they are held against each other, against the workbook's other sheets and
against what is known already. A workbook adds and changes; it never takes away what it does not mention.
"""

from collections.abc import Mapping

from services.scheduler.domain.sheet_changes import (
    CERTIFICATES,
    HOLIDAYS,
    LEAVE,
    MODULES,
    STAGES,
    TRAINERS,
    Counts,
    Known,
    Rows,
    SheetChanges,
    count_row,
    module_ok,
    not_your_country,
    once,
)
from services.scheduler.domain.sheets_catalogue import modules_sheet, stages_sheet


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
        modules_sheet(sheets[MODULES], known, changes)
    if STAGES in sheets:
        modules = set(known.modules) | {values["code"] for _, values in sheets.get(MODULES, ())}
        stages_sheet(sheets[STAGES], known, modules, changes)
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
        if ok and count_row(counts, known.trainers.get(values["person"]), after):
            changes.trainers.append(after)


def _certificates(rows: Rows, known: Known, modules: set[str], changes: SheetChanges) -> None:
    counts = Counts(CERTIFICATES)
    changes.counts.append(counts)
    for row, values in rows:
        ok = _person_ok(CERTIFICATES, row, values["person"], known, changes)
        ok = module_ok(CERTIFICATES, row, values["module"], modules, changes) and ok
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
        if ok and count_row(counts, known.certificates.get(key), after):
            changes.certificates.append(after)


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
        if ok and count_row(counts, known.leave.get(key), after):
            changes.leave.append(after)


def _holidays(rows: Rows, known: Known, changes: SheetChanges) -> None:
    counts = Counts(HOLIDAYS)
    changes.counts.append(counts)
    seen: dict[tuple[object, ...], int] = {}
    for row, values in rows:
        key = (values["country"], values["day"], values["region"] or "")
        ok = once(HOLIDAYS, row, "day", key, seen, changes)
        if not known.mine(values["country"]):
            ok = False
            not_your_country(HOLIDAYS, row, values["country"], known, changes)
        after = (values["country"], values["region"] or "", values["day"], values["name"])
        if ok and count_row(counts, known.holidays.get(key), after):
            changes.holidays.append(after)
            changes.countries.add(values["country"])
