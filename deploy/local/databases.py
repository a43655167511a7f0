"""One database and two roles for each service, made again by every start.

Why two roles: a service that was taken over must not be able to drop a trigger, disable
row-level security or rewrite the audit table's grants. So what it runs as owns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.local.problem import Problem
from deploy.local.topology import SERVICES, database_name, migration_role, runtime_role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import psycopg

_EXTENSIONS = ("btree_gist",)


@dataclass(frozen=True)
class ServiceDatabase:
    """Names and secrets of one service's database."""

    database: str
    migration_role: str
    migration_password: str
    runtime_role: str
    runtime_password: str


@dataclass(frozen=True)
class DatabaseUrls:
    """Connection URLs of one service's database: ``migrate`` for DDL, ``run`` for the service."""

    migrate: str
    run: str


def wanted_databases(secret: Callable[[str], str]) -> dict[str, ServiceDatabase]:
    """Every service's database; ``secret`` gives the password of a name such as ``postgres-visits_run``."""
    return {
        service: ServiceDatabase(
            database=database_name(service),
            migration_role=migration_role(service),
            migration_password=secret(f"postgres-{migration_role(service)}"),
            runtime_role=runtime_role(service),
            runtime_password=secret(f"postgres-{runtime_role(service)}"),
        )
        for service in SERVICES
    }


def provision_databases(admin_dsn: str, databases: Mapping[str, ServiceDatabase]) -> dict[str, DatabaseUrls]:
    """Make databases, roles and grants as they should be; safe to repeat, also after a kill.

    The administrator is a superuser, or a role with CREATEDB and CREATEROLE.
    """
    import psycopg

    try:
        with psycopg.connect(admin_dsn, autocommit=True, connect_timeout=10) as connection:
            for wanted in databases.values():
                _make_roles(connection, wanted)
                _make_database(connection, wanted)
        for wanted in databases.values():
            own = psycopg.conninfo.make_conninfo(admin_dsn, dbname=wanted.database)
            with psycopg.connect(own, autocommit=False, connect_timeout=10) as connection:
                _make_grants(connection, wanted)
    except psycopg.OperationalError as error:
        raise Problem(
            f"PostgreSQL: cannot connect as administrator: {str(error).strip()}",
            remedy="start it, or set GEMBA_POSTGRES to a superuser's URL",
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise Problem(
            f"PostgreSQL: the administrator may not make databases: {str(error).strip()}",
            remedy="GEMBA_POSTGRES must be the URL of a superuser, or of a role with CREATEDB and CREATEROLE",
        ) from error
    return {service: database_urls(admin_dsn, wanted) for service, wanted in databases.items()}


def database_urls(admin_dsn: str, wanted: ServiceDatabase) -> DatabaseUrls:
    """The URLs at the administrator's server, with its other parameters (TLS …) kept."""
    from urllib.parse import quote, urlsplit, urlunsplit

    parts = urlsplit(admin_dsn)
    address = parts.netloc.rpartition("@")[2]

    def url(role: str, password: str) -> str:
        netloc = f"{role}:{quote(password, safe='')}@{address}"
        return urlunsplit((parts.scheme, netloc, f"/{wanted.database}", parts.query, ""))

    return DatabaseUrls(
        migrate=url(wanted.migration_role, wanted.migration_password),
        run=url(wanted.runtime_role, wanted.runtime_password),
    )


def drop_databases(admin_dsn: str, databases: Mapping[str, ServiceDatabase]) -> None:
    """Remove databases and roles again (the tests' own)."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        for gone in databases.values():
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(gone.database)))
            for role in (gone.runtime_role, gone.migration_role):
                connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


def _make_roles(connection: psycopg.Connection, wanted: ServiceDatabase) -> None:
    from psycopg import sql

    for role, password in (
        (wanted.migration_role, wanted.migration_password),
        (wanted.runtime_role, wanted.runtime_password),
    ):
        known = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
        verb = "alter" if known else "create"
        connection.execute(
            sql.SQL(verb + " role {} login nosuperuser nocreatedb nocreaterole password {}").format(
                sql.Identifier(role), sql.Literal(password)
            )
        )
    # An administrator who is no superuser must be a member to act for the owner.
    connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(wanted.migration_role)))


def _make_database(connection: psycopg.Connection, wanted: ServiceDatabase) -> None:
    from psycopg import sql

    known = connection.execute("select 1 from pg_database where datname = %s", (wanted.database,)).fetchone()
    if not known:
        connection.execute(
            sql.SQL("create database {} owner {} encoding 'UTF8' template template0").format(
                sql.Identifier(wanted.database), sql.Identifier(wanted.migration_role)
            )
        )


def _make_grants(connection: psycopg.Connection, wanted: ServiceDatabase) -> None:
    from psycopg import sql

    for extension in _EXTENSIONS:
        connection.execute(sql.SQL("create extension if not exists {}").format(sql.Identifier(extension)))
    names = {
        "database": sql.Identifier(wanted.database),
        "owner": sql.Identifier(wanted.migration_role),
        "runner": sql.Identifier(wanted.runtime_role),
    }
    for statement in (
        "revoke all on database {database} from public",
        "revoke create on schema public from public",
        "grant connect on database {database} to {runner}",
        "grant usage on schema public to {runner}",
        "alter default privileges for role {owner} grant usage on schemas to {runner}",
        "alter default privileges for role {owner} grant select, insert, update, delete on tables to {runner}",
        "alter default privileges for role {owner} grant usage, select on sequences to {runner}",
    ):
        connection.execute(sql.SQL(statement).format(**names))
