"""The programs that are ours: the services and the dev inbox."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deploy.local import process
from deploy.local.program import Program, http_problem, inherited_environment, python_command
from deploy.local.size import numbered

_START_SECONDS = 120.0
"""On a machine that is much too busy a start takes a minute; giving up on it then would only begin it again."""

if TYPE_CHECKING:
    from deploy.local.installation import Installation


def inbox_program(gemba: Installation) -> Program:
    # Sample data may be read by all; in real use the inbox holds sign-in links.
    key = gemba.state.secret("inbox") if gemba.profile in {"local", "production"} else ""
    environment = {
        **inherited_environment(),
        "GEMBA_INBOX_SMTP_PORT": str(gemba.ports["inbox-smtp"]),
        "GEMBA_INBOX_HTTP_PORT": str(gemba.ports["inbox"]),
        "GEMBA_INBOX_FILE": str(gemba.state.folder / "inbox" / "messages.jsonl"),
        "GEMBA_INBOX_KEY": key,
        "GEMBA_INBOX_KEPT": os.environ.get("GEMBA_INBOX_KEPT", ""),
    }
    return Program(
        name="inbox",
        command=lambda: python_command("deploy.local.inbox"),
        environment=environment,
        not_ready=lambda: http_problem(f"http://127.0.0.1:{gemba.ports['inbox']}/readyz"),
        start_seconds=20.0,
        stop_seconds=4.0,
    )


def service_program(gemba: Installation, service: str, number: int = 1) -> Program:
    name = numbered(service, number)
    root = f"http://127.0.0.1:{gemba.ports[name]}"

    def not_ready() -> str | None:
        if not process.port_is_open(gemba.ports[name]):
            return "nothing listens yet"
        return http_problem(f"{root}/readyz")

    return Program(
        name=name,
        command=lambda: python_command(f"services.{service}"),
        environment=gemba.service_environment(service, number),
        start_seconds=_START_SECONDS,
        not_ready=not_ready,
        not_alive=lambda: http_problem(f"{root}/livez"),
    )
