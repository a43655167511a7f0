"""People as directory knows them, and who may see or change whom."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

ADMINISTRATOR: Final = "administrator"
COORDINATOR: Final = "coordinator"
SAFEGUARDING: Final = frozenset({"officer", "deputy", "head"})
ENTRUSTED: Final = frozenset({"trainer", "enterprise"})
"""Roles that a coordinator may give. Any other opens case data, or the register itself, to its holder."""
NEED_AN_EMAIL: Final = frozenset({ADMINISTRATOR, COORDINATOR, "trainer", "auditor"}) | SAFEGUARDING
"""Who works in Gemba signs in by a link in an e-mail."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `countries` is where the roles count; `country` is where the person belongs."""

    person_id: UUID
    key_name: str
    name: str
    country: str
    roles: tuple[str, ...]
    countries: tuple[str, ...]
    language: str
    zone: str
    languages: tuple[str, ...] = ()
    email: str | None = None
    phone: str | None = None
    line_manager_id: UUID | None = None
    enterprise_id: UUID | None = None
    active: bool = True

    @property
    def reach(self) -> frozenset[str]:
        """Every country this person has to do with."""
        return frozenset({self.country, *self.countries})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, as far as these rules need to know."""

    person_id: str
    roles: frozenset[str]
    countries: frozenset[str]

    @property
    def is_administrator(self) -> bool:
        """Administrators keep the register of all countries."""
        return ADMINISTRATOR in self.roles


def may_see_person(actor: Actor, person: Person) -> bool:
    """Oneself; everybody for an administrator; for others, who has to do with one of their countries."""
    return (
        actor.is_administrator
        or actor.person_id == str(person.person_id)
        or not actor.countries.isdisjoint(person.reach)
    )


def may_see_contacts(actor: Actor, person: Person) -> bool:
    """Contact points are for an administrator, a coordinator of the person's own country, and oneself."""
    return (
        actor.is_administrator
        or actor.person_id == str(person.person_id)
        or (COORDINATOR in actor.roles and person.country in actor.countries)
    )


def why_not_write(actor: Actor, before: Person | None, after: Person) -> str | None:
    """Why this actor may not make or change this person; None when they may.

    A coordinator could otherwise put their own address in an officer's row and sign in as that officer.
    """
    if actor.is_administrator:
        return None
    for person in (before, after):
        if person is None:
            continue
        if not person.reach <= actor.countries:
            return "belongs to a country that is not yours"
        beyond = sorted(set(person.roles) - ENTRUSTED)
        if beyond:
            return f"has the role {' and '.join(beyond)}, which only an administrator may give or change"
    return None
