"""``python -m deploy.compose.databases``: a database and two roles for every service, with the passwords of the secrets.

Run at every start: a password that was replaced in its file is replaced in PostgreSQL.
"""

from __future__ import annotations

import os

from deploy.compose.job import run_job, secret
from deploy.local.databases import provision_databases, wanted_databases
from shared.secret_files import with_secrets


def provide() -> str:
    """Make what is missing, correct what differs; safe to repeat. Raises Problem."""
    made = provision_databases(with_secrets(os.environ)["GEMBA_DATABASE_ADMIN_URL"], wanted_databases(secret))
    return f"databases of {', '.join(made)} are as they should be"


if __name__ == "__main__":
    run_job(provide)
