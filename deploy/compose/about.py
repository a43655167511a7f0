"""``python -m deploy.compose.about``: what a container of this image can be told to do (the command of the image itself)."""

from __future__ import annotations

import sys

from deploy.local.topology import SERVICES

if __name__ == "__main__":
    sys.exit(
        "This image runs every part of Gemba; say which one:\n"
        + "".join(f"  python3 -m services.{name}\n" for name in SERVICES)
        + "  python3 -m shared.migrate SERVICE …\n"
        "  python3 -m deploy.compose.databases | deploy.compose.topics | deploy.compose.replay\n"
        "docker-compose.yml does that for all of them."
    )
