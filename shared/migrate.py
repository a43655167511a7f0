"""`python -m shared.migrate <service> …`: bring each service's database to the newest schema, or say why not.

Alembic runs the numbered files of `services/<service>/migrations`; each is a few lines of Python beside
the SQL it executes. One at a time (an advisory lock), each in its own transaction, with a lock time-out, so that a
migration that cannot get its lock gives up instead of queueing every request behind it.
"""

import sys
from pathlib import Path

from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.exc import OperationalError

from shared.secret_files import UnusableSecret
from shared.settings import database_url_of

ROOT = Path(__file__).resolve().parent.parent


def run_sql(path: str | Path) -> None:
    """Execute one SQL file inside the running migration; `path` is absolute or relative to the project."""
    # Straight to the driver and without parameters: several statements go as they stand, with every ':' and '%'.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((ROOT / path).read_text(encoding="utf-8"))


def configuration(service: str, database_url: str) -> Config:
    """The Alembic configuration of one service."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "shared" / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(ROOT / "services" / service / "migrations"))
    config.attributes["url"] = database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    return config


def newest(service: str) -> str | None:
    """The revision this code expects."""
    return ScriptDirectory.from_config(configuration(service, "")).get_current_head()


def migrate(service: str, database_url: str) -> None:
    """Upgrade to the newest revision. Raises `RuntimeError` when the schema is newer than this code knows."""
    try:
        command.upgrade(configuration(service, database_url), "head")
    except CommandError as error:
        if "Can't locate revision" not in str(error):
            raise
        raise RuntimeError(
            f"The database of {service} has a newer schema than this version knows ({error}). "
            "Run the version that made it, or restore a backup from before."
        ) from error


if __name__ == "__main__":
    try:
        for name in sys.argv[1:]:
            migrate(name, database_url_of(name))
    except (RuntimeError, UnusableSecret) as problem:
        sys.exit(f"gemba: {problem}")
    except OperationalError as refused:
        sys.exit(f"gemba: the migration could not be run: {' '.join(str(refused.orig).split())}")
