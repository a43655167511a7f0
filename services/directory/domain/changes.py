"""From typed rows to what would change: resolve the references, refuse what may not be, count.

Pure: what is known already comes in, nothing is written. Either every row is right, or `faults`
says what is not and nothing may be taken.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.directory.domain.enterprises import Closed, Enterprise
from services.directory.domain.people import ADMINISTRATOR, NEED_AN_EMAIL, Actor, Person, why_not_write
from services.directory.domain.workbook import (
    CLOSED_DAYS,
    ENTERPRISES,
    PEOPLE,
    Changes,
    Counts,
    Fault,
    Known,
    Sheets,
    Values,
    fold,
)


def work_out_changes(
    sheets: Sheets, known: Known, actor: Actor, *, present: Iterable[str], new_id: Callable[[], UUID]
) -> Changes:
    """What taking these sheets would change, or what is wrong with them."""
    return _Work(sheets, known, actor, new_id).run(present)


class _Work:
    """One pass over the sheets: ids first, so that rows may refer to later rows; then row by row."""

    def __init__(self, sheets: Sheets, known: Known, actor: Actor, new_id: Callable[[], UUID]) -> None:
        self._sheets = sheets
        self._known = known
        self._actor = actor
        self._changes = Changes()
        self._people = {key: person.person_id for key, person in known.people.items()}
        self._enterprises = {key: enterprise.enterprise_id for key, enterprise in known.enterprises.items()}
        for _, values in sheets.people:
            self._people.setdefault(fold(values["key"]), new_id())
        for _, values in sheets.enterprises:
            self._enterprises.setdefault(fold(values["key"]), new_id())

    def run(self, present: Iterable[str]) -> Changes:
        there = set(present)
        changes = self._changes
        if PEOPLE in there:
            self._people_rows()
            self._count(PEOPLE, self._sheets.people, changes.new_people, changes.changed_people)
        if ENTERPRISES in there:
            self._enterprise_rows()
            self._count(ENTERPRISES, self._sheets.enterprises, changes.new_enterprises, changes.changed_enterprises)
        if CLOSED_DAYS in there:
            self._closed_rows()
        return changes

    def _count(self, sheet: str, rows: Sequence[object], new: Sequence[object], changed: Sequence[object]) -> None:
        same = len(rows) - len(new) - len(changed)
        self._changes.counts.append(Counts(sheet, len(rows), len(new), len(changed), max(0, same)))

    def _people_rows(self) -> None:
        after = dict(self._known.people)
        rows: dict[UUID, int] = {}
        for row, values in self._sheets.people:
            key = fold(values["key"])
            before = self._known.people.get(key)
            if key in self._known.erased:
                self._fault(PEOPLE, row, "key", "erased_person", f"The person “{values['key']}” was erased at their "
                            "wish.", "the row taken out; somebody else needs a key of their own")  # fmt: skip
                continue
            person = self._person(row, values, before)
            after[key] = person
            rows[person.person_id] = row
            if person == before:
                continue
            refusal = why_not_write(self._actor, before, person)
            if refusal:
                self._fault(PEOPLE, row, "key", "not_yours", f"“{person.key_name}” {refusal}.",
                            "people of your own countries who are trainers or of an enterprise")  # fmt: skip
            (self._changes.changed_people if before else self._changes.new_people).append(person)
        self._refuse_shared_emails(after.values(), rows)
        self._refuse_circles(after.values(), rows)
        self._refuse_to_lose_the_last_administrator(after.values(), rows)

    def _person(self, row: int, values: Values, before: Person | None) -> Person:
        roles = tuple(sorted(values["roles"]))
        person = Person(
            person_id=self._people[fold(values["key"])],
            key_name=before.key_name if before else values["key"],
            name=values["name"],
            country=values["country"],
            roles=roles,
            countries=tuple(sorted(values["countries"])) or (values["country"],),
            language=values["language"],
            zone=values["zone"],
            languages=values["languages"],
            email=values["email"],
            phone=values["phone"],
            line_manager_id=self._person_id(PEOPLE, row, values, "line_manager"),
            enterprise_id=self._enterprise_id(PEOPLE, row, values),
        )
        if before and not before.active:
            person = replace(person, active=False)
        needy = sorted(NEED_AN_EMAIL & set(roles))
        if needy and not person.email:
            self._fault(PEOPLE, row, "email", "missing_email", f"email is empty, and a {needy[0]} signs in by e-mail.",
                        "an address such as name@example.org")  # fmt: skip
        elif not person.email and not person.phone:
            self._fault(PEOPLE, row, "email", "no_contact", "email and phone are both empty.",
                        "at least one of them, or nothing can ever be said to this person")  # fmt: skip
        if "enterprise" in roles and person.enterprise_id is None and not values["enterprise"]:
            self._fault(PEOPLE, row, "enterprise", "missing_value",
                        "enterprise is empty, and the role enterprise needs one.", "the key of an enterprise")  # fmt: skip
        return person

    def _refuse_shared_emails(self, after: Iterable[Person], rows: Mapping[UUID, int]) -> None:
        owners: dict[str, Person] = {}
        for person in sorted(after, key=lambda person: rows.get(person.person_id, 0)):
            if not person.email:
                continue
            owner = owners.setdefault(person.email, person)
            row = rows.get(person.person_id)
            if owner is not person and row is not None:
                other = rows.get(owner.person_id)
                where = f"row {other}" if other else f"the person “{owner.key_name}” in Gemba"
                self._fault(PEOPLE, row, "email", "duplicate_email", f"email is that of {where} too.",
                            "an address of one's own: it is what one signs in with")  # fmt: skip

    def _refuse_circles(self, after: Iterable[Person], rows: Mapping[UUID, int]) -> None:
        """Whoever follows a line of managers upwards must come to an end."""
        managers = {person.person_id: person.line_manager_id for person in after}
        for person_id, row in rows.items():
            seen = {person_id}
            above = managers.get(person_id)
            while above is not None and above not in seen:
                seen.add(above)
                above = managers.get(above)
            if above == person_id:
                self._fault(PEOPLE, row, "line_manager", "line_manager_circle",
                            "line_manager leads back to this person.", "somebody further up, or nothing")  # fmt: skip

    def _refuse_to_lose_the_last_administrator(self, after: Iterable[Person], rows: Mapping[UUID, int]) -> None:
        had = [person for person in self._known.people.values() if person.active and ADMINISTRATOR in person.roles]
        has = any(person.active and ADMINISTRATOR in person.roles for person in after)
        if had and not has:
            row = next((rows[person.person_id] for person in had if person.person_id in rows), 0)
            self._fault(PEOPLE, row, "roles", "last_administrator", "This would leave nobody with the role "
                        "administrator.", "administrator among the roles of at least one person")  # fmt: skip

    def _enterprise_rows(self) -> None:
        for row, values in self._sheets.enterprises:
            before = self._known.enterprises.get(fold(values["key"]))
            enterprise = Enterprise(
                enterprise_id=self._enterprises[fold(values["key"])],
                key_name=before.key_name if before else values["key"],
                name=values["name"],
                country=values["country"],
                region=values["region"],
                zone=values["zone"],
                latitude=values["latitude"],
                longitude=values["longitude"],
                working_weekdays=tuple(day + 1 for day in values["working_weekdays"]),
                manager_languages=values["manager_languages"],
                worker_languages=values["worker_languages"],
                manager_contact_id=self._person_id(ENTERPRISES, row, values, "manager_contact"),
                worker_contact_id=self._person_id(ENTERPRISES, row, values, "worker_contact"),
                active=before.active if before else True,
            )
            if enterprise == before:
                continue
            self._refuse_foreign(ENTERPRISES, row, before, enterprise)
            (self._changes.changed_enterprises if before else self._changes.new_enterprises).append(enterprise)

    def _refuse_foreign(self, sheet: str, row: int, *enterprises: Enterprise | None) -> None:
        countries = {enterprise.country for enterprise in enterprises if enterprise}
        if self._actor.is_administrator or countries <= self._actor.countries:
            return
        yours = ", ".join(sorted(self._actor.countries)) or "none"
        self._fault(sheet, row, "country" if sheet == ENTERPRISES else "enterprise", "not_yours",
                    "The enterprise is in a country that is not yours.", f"a country of yours: {yours}")  # fmt: skip

    def _closed_rows(self) -> None:
        countries = {e.enterprise_id: e for e in self._known.enterprises.values()}
        countries |= {e.enterprise_id: e for e in self._changes.new_enterprises + self._changes.changed_enterprises}
        new = changed = 0
        for row, values in self._sheets.closed_days:
            closed = Closed(values["first"], values["last"], values["reason"])
            if closed.last < closed.first:
                self._fault(CLOSED_DAYS, row, "last", "impossible_range",
                            f"last ({closed.last}) is before first ({closed.first}).", "a day not before first")  # fmt: skip
            enterprise_id = self._enterprise_id(CLOSED_DAYS, row, values)
            if enterprise_id is None:
                continue
            before = self._known.closed.get(enterprise_id, {}).get(closed.first)
            if closed == before:
                continue
            self._refuse_foreign(CLOSED_DAYS, row, countries.get(enterprise_id))
            self._changes.closed.append((enterprise_id, closed))
            new, changed = (new, changed + 1) if before else (new + 1, changed)
        rows = len(self._sheets.closed_days)
        self._changes.counts.append(Counts(CLOSED_DAYS, rows, new, changed, rows - new - changed))

    def _person_id(self, sheet: str, row: int, values: Values, column: str) -> UUID | None:
        return self._refer(self._people, PEOPLE, "person", sheet, row, values, column)

    def _enterprise_id(self, sheet: str, row: int, values: Values) -> UUID | None:
        return self._refer(self._enterprises, ENTERPRISES, "enterprise", sheet, row, values, "enterprise")

    def _refer(
        self, known: Mapping[str, UUID], to: str, noun: str, sheet: str, row: int, values: Values, column: str
    ) -> UUID | None:
        key = values[column]
        if not key:
            return None
        found = known.get(fold(key))
        if found is None and to not in self._sheets.broken:
            self._fault(sheet, row, column, "unknown_reference", f"{column} names the {noun} “{key}”, who is neither "
                        "in this workbook nor in Gemba." if noun == "person" else f"{column} names “{key}”, which is "
                        "neither in this workbook nor in Gemba.", f"the key of a row of {to}")  # fmt: skip
        return found

    def _fault(self, sheet: str, row: int, column: str, code: str, message: str, expected: str) -> None:
        self._changes.faults.append(Fault(sheet, row, column, code, message, expected))
