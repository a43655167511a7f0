"""Who sees and changes whom."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from services.directory.domain.people import (
    Actor,
    Person,
    may_see_contacts,
    may_see_person,
    why_not_write,
)

TARIQ = Person(
    UUID(int=1), "tariq", "Tariq", "BD", ("trainer",), ("BD", "VN"), "bn", "Asia/Dhaka", email="t@example.org"
)


def actor(roles: str, countries: str = "", person: int = 9) -> Actor:
    return Actor(str(UUID(int=person)), frozenset(roles.split()), frozenset(countries.split()))


def test_people_are_seen_in_every_country_they_have_to_do_with() -> None:
    assert may_see_person(actor("coordinator", "VN"), TARIQ)
    assert may_see_person(actor("officer", "BD"), TARIQ)
    assert may_see_person(actor("administrator"), TARIQ)
    assert may_see_person(actor("trainer", "PE", person=1), TARIQ)
    assert not may_see_person(actor("coordinator", "PE"), TARIQ)


def test_contact_points_are_for_those_who_must_reach_them() -> None:
    assert may_see_contacts(actor("coordinator", "BD"), TARIQ)
    assert may_see_contacts(actor("administrator"), TARIQ)
    assert may_see_contacts(actor("trainer", "BD", person=1), TARIQ)
    assert not may_see_contacts(actor("coordinator", "VN"), TARIQ), "not the coordinator of their own country"
    assert not may_see_contacts(actor("officer", "BD"), TARIQ)


@pytest.mark.parametrize("role", ["administrator", "coordinator", "officer", "deputy", "head", "auditor"])
def test_a_coordinator_neither_gives_nor_changes_a_role_with_powers(role: str) -> None:
    powerful = replace(TARIQ, roles=(role, "trainer"), countries=("BD",))
    plain = replace(TARIQ, countries=("BD",))
    rina = actor("coordinator", "BD")
    assert why_not_write(rina, None, plain) is None
    assert why_not_write(rina, None, powerful)
    assert why_not_write(rina, plain, powerful), "must not be raised"
    assert why_not_write(rina, powerful, replace(powerful, email="mine@example.org")), "nor taken over"
    assert why_not_write(rina, powerful, plain), "nor disarmed"
    assert why_not_write(actor("administrator"), plain, powerful) is None


def test_a_coordinator_changes_nobody_beyond_their_countries() -> None:
    assert why_not_write(actor("coordinator", "BD"), None, TARIQ), "they would get power in VN too"
    assert why_not_write(actor("coordinator", "BD VN"), TARIQ, replace(TARIQ, name="T")) is None
    assert why_not_write(actor("coordinator", "BD"), replace(TARIQ, country="PE"), replace(TARIQ, countries=("BD",)))
