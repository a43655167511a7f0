"""`python -m services.directory.first_administrator EMAIL`: make the first administrator and print a CLI token.

The token goes to standard output, once and alone, for whoever starts an installation to keep with mode 0600.
Doing it again for the same address prints a new token and ends the one before.
"""

import argparse
import asyncio
import re
import sys

from pydantic import SecretStr

from services.directory.use_cases.create_first_administrator import (
    CreateFirstAdministrator,
    create_first_administrator,
)
from shared.auth import ROLES
from shared.clock import open_clock
from shared.db import open_pool
from shared.errors import Rejected
from shared.settings import EnvironmentSettings, Profile


class _Settings(EnvironmentSettings):
    """Of the service's environment, what this needs."""

    database_url: SecretStr
    profile: Profile = "production"
    clock: str = "real"


def read_arguments(arguments: list[str]) -> CreateFirstAdministrator:
    """What is asked for on the command line; ends the program with what would be right."""
    parser = argparse.ArgumentParser(prog="first_administrator", description=__doc__)
    parser.add_argument("email", help="what the administrator signs in with")
    parser.add_argument("--name", default="Administrator")
    parser.add_argument("--key", default="administrator", help="the short key in workbooks (default: %(default)s)")
    parser.add_argument("--country", default="ZZ", help="two letters (default: %(default)s, none in particular)")
    parser.add_argument("--countries", default="", help="where the roles count, such as BD,PE,VN")
    parser.add_argument("--roles", default="", help="further roles, such as coordinator")
    parser.add_argument("--zone", default="UTC", help="IANA time zone (default: %(default)s)")
    given = parser.parse_args(arguments)
    countries = tuple(code.strip().upper() for code in given.countries.split(",") if code.strip())
    roles = tuple(role.strip().lower() for role in given.roles.split(",") if role.strip())
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", given.email):
        parser.error(f"{given.email!r} is not an e-mail address, such as name@example.org")
    if not set(roles) <= ROLES:
        parser.error(f"--roles may have {', '.join(sorted(ROLES))}")
    if not all(re.fullmatch(r"[A-Z]{2}", code) for code in (given.country.upper(), *countries)):
        parser.error("countries have two letters, such as BD")
    return CreateFirstAdministrator(
        given.email, given.name, given.key, given.country.upper(), roles, countries, given.zone
    )


async def run(asked: CreateFirstAdministrator, settings: _Settings) -> str:
    """Do it; returns the token."""
    pool = await open_pool(settings.database_url.get_secret_value(), size=1, name="first_administrator")
    try:
        now = open_clock(settings.clock, profile=settings.profile).now()
        return (await create_first_administrator(asked, pool=pool, now=now))[1]
    finally:
        await pool.close()


def main() -> None:
    """Exit code 0 with the token on standard output, or 1 with the reason on standard error."""
    asked = read_arguments(sys.argv[1:])
    try:
        token = asyncio.run(run(asked, _Settings()))  # type: ignore[call-arg]
    except Rejected as refused:
        sys.exit(refused.message)
    sys.stdout.write(token + "\n")


if __name__ == "__main__":
    main()
