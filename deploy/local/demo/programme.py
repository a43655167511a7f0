"""The sample programme as a coordinator would have it: one workbook for the modules, one for each country.

The same for everybody: drawn from a fixed seed, so that a story can name its people by their keys.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from openpyxl import Workbook

from deploy.local.demo.countries import COUNTRIES, Country, Town

ENTERPRISES = 40
TRAINERS = 12
YEAR_STARTS = date(2026, 1, 1)
MAIL_DOMAIN = "programme.example"

Sheet = Sequence[Sequence[object]]

MODULES: Sheet = (
    ("code", "title", "version"),
    ("WC", "Workplace Cooperation", "2.0"),
    ("QI", "Quality Improvement", "2.0"),
    ("OSH", "Safety and Health at Work", "1.1"),
)

_STAGE_COLUMNS = (
    "module", "country", "stage", "kind", "order", "days", "hours", "after", "min_gap_days", "max_gap_days",
    "offset_days", "online",
)  # fmt: skip


def stages() -> Iterator[Sequence[object]]:
    """The delivery plans: a baseline everywhere, two classroom days together, two consultancy visits each."""
    yield _STAGE_COLUMNS
    for module, _, _ in MODULES[1:]:
        yield module, None, "baseline", "baseline", 1, 1, 3, None, None, None, 3, "no"
        yield module, None, "classroom-1", "classroom", 2, 1, 7, "baseline", 2, 35, 16, "no"
        yield module, None, "classroom-2", "classroom", 3, 1, 7, "classroom-1", 1, 4, 17, "no"
        yield module, None, "consultancy-1", "consultancy", 4, 1, 4, "classroom-2", 5, 21, 28, "no"
        yield module, None, "consultancy-2", "consultancy", 5, 1, 4, "consultancy-1", 14, 35, 48, "no"


def write_workbooks(folder: Path) -> list[Path]:
    """Write all workbooks of the programme into `folder`; returns them in the order in which to import them."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [_write(folder / "programme-modules.xlsx", {"modules": MODULES, "stages": list(stages())})]
    for country in COUNTRIES:
        sheets = _country_sheets(country)
        written.append(_write(folder / f"programme-{country.code.lower()}.xlsx", sheets))
    return written


def _write(path: Path, sheets: Mapping[str, Sheet]) -> Path:
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def _country_sheets(country: Country) -> dict[str, Sheet]:
    chance = random.Random(f"gemba {country.code}")  # noqa: S311 (a sample, not a secret)
    people: list[Sequence[object]] = [
        ("key", "name", "country", "roles", "countries", "language", "zone", "languages", "email", "phone",
         "line_manager", "enterprise"),
    ]  # fmt: skip
    names = _names(country, chance)

    def person(key: str, roles: str, *, manager: str = "", enterprise: str = "", language: str = "en") -> str:
        number = len(people)
        spoken = f"{country.local_language},en" if not enterprise else country.local_language
        mail = f"{key.lower()}@{MAIL_DOMAIN}"
        phone = f"{country.phone_prefix}{number:06d}"
        people.append(
            (key, next(names), country.code, roles, country.code, language, country.zone, spoken, mail, phone,
             manager, enterprise)
        )  # fmt: skip
        return key

    code = country.code
    own = country.local_language if country.local_language in {"es", "vi"} else "en"
    head = person(f"{code}-HEAD", "head")
    coordinator = person(f"{code}-COORD", "coordinator", manager=head, language=own)
    person(f"{code}-COORD2", "coordinator", manager=head, language=own)
    person(f"{code}-OFFICER", "officer", manager=head)
    person(f"{code}-DEPUTY", "deputy", manager=head, language=own)
    trainers = [
        person(f"{code}-T{number:02d}", "trainer", manager=coordinator, language=own)
        for number in range(1, TRAINERS + 1)
    ]
    enterprises = list(_enterprises(country, chance))
    for row in enterprises[1:]:
        key = str(row[0])
        person(f"{key}-MGR", "enterprise", enterprise=key, language=own)
        person(f"{key}-REP", "enterprise", enterprise=key, language=own)
    return {
        "people": people,
        "enterprises": enterprises,
        "closed_days": list(_closed_days(enterprises, chance)),
        "trainers": list(_trainers(country, trainers, chance)),
        "certificates": list(_certificates(trainers)),
        "leave": list(_leave(trainers, chance)),
        "holidays": [
            ("country", "region", "day", "name"),
            *((country.code, None, day, name) for day, name in country.holidays),
        ],
    }


def _enterprises(country: Country, chance: random.Random) -> Iterator[Sequence[object]]:
    yield (
        "key", "name", "country", "region", "zone", "latitude", "longitude", "working_weekdays",
        "manager_languages", "worker_languages", "manager_contact", "worker_contact",
    )  # fmt: skip
    names = [f"{firm} {trade}" for trade in country.trades for firm in country.firms]
    for number, name in enumerate(names[:ENTERPRISES], start=1):
        town = country.towns[number % len(country.towns)]
        latitude, longitude = _near(town, chance, kilometres=9)
        key = f"{country.code}-E{number:02d}"
        managers = "en" if number % 4 == 0 else f"{country.local_language},en"
        yield (
            key, name, country.code, town.name, country.zone, latitude, longitude, country.week,
            managers, country.local_language, f"{key}-MGR", f"{key}-REP",
        )  # fmt: skip


def _trainers(country: Country, keys: Sequence[str], chance: random.Random) -> Iterator[Sequence[object]]:
    yield (
        "person", "home_latitude", "home_longitude", "region", "working_weekdays", "max_visits_per_day",
        "max_visits_per_week", "conflicts",
    )  # fmt: skip
    for number, key in enumerate(keys):
        town = country.towns[number % len(country.towns)]
        latitude, longitude = _near(town, chance, kilometres=6)
        conflict = f"{country.code}-E{(number * 3) % ENTERPRISES + 1:02d}" if number % 5 == 4 else None
        yield key, latitude, longitude, town.name, country.week, 2, 4, conflict


def _certificates(keys: Sequence[str]) -> Iterator[Sequence[object]]:
    """Most hold two modules; the last two are candidates, as in every programme."""
    yield "person", "module", "level", "valid_from", "valid_to"
    codes = [str(code) for code, _, _ in MODULES[1:]]
    for number, key in enumerate(keys):
        level = "candidate" if number >= len(keys) - 2 else "expert" if number % 4 == 0 else "certified"
        ends = date(2026, 12, 31) if number % 3 else date(2028, 6, 30)
        yield key, "WC", level, date(2024, 1, 1), ends
        yield key, codes[1 + number % 2], level, date(2024, 7, 1), ends


def _leave(keys: Sequence[str], chance: random.Random) -> Iterator[Sequence[object]]:
    yield "person", "first", "last"
    for key in keys[::2]:
        first = YEAR_STARTS + timedelta(days=chance.randrange(60, 200))
        yield key, first, first + timedelta(days=chance.randrange(2, 12))


def _closed_days(enterprises: Sequence[Sequence[object]], chance: random.Random) -> Iterator[Sequence[object]]:
    yield "enterprise", "first", "last", "reason"
    for row in enterprises[1::3]:
        first = YEAR_STARTS + timedelta(days=chance.randrange(50, 180))
        yield (
            row[0],
            first,
            first + timedelta(days=chance.randrange(1, 6)),
            chance.choice(("stocktaking", "peak season")),
        )


def _near(town: Town, chance: random.Random, *, kilometres: float) -> tuple[float, float]:
    reach = kilometres / 111
    return (
        round(town.latitude + chance.uniform(-reach, reach), 5),
        round(town.longitude + chance.uniform(-reach, reach), 5),
    )


def _names(country: Country, chance: random.Random) -> Iterator[str]:
    pairs = [f"{first} {last}" for first in country.first_names for last in country.last_names]
    chance.shuffle(pairs)
    return iter(pairs)
