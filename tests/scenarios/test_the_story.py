"""`./gemba demo --once`: the whole story through the public HTTP API, every step observed by its effect, exit code 0."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.local import process
from deploy.local.state import DEFAULT_ORIGIN_PORT, ROOT

pytestmark = pytest.mark.xdist_group("story")
"""An installation of its own, beside the other scenarios' one."""

_SECONDS = 600


async def test_the_demonstration_ends_with_every_step_observed(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GEMBA_")}
    environment |= {"GEMBA_STATE": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    with ExitStack() as stack:
        if process.port_is_free(DEFAULT_ORIGIN_PORT):
            # So that it chooses a port of its own: another test may want the default one meanwhile.
            stack.enter_context(socket.create_server(("127.0.0.1", DEFAULT_ORIGIN_PORT)))
        demo = await asyncio.create_subprocess_exec(
            *process.spawn_command([sys.executable, "-m", "deploy.local", "demo", "--once"]),
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_SECONDS):
                told, _ = await demo.communicate()
        finally:
            if demo.returncode is None:
                demo.kill()
                await demo.wait()
    story = told.decode()
    assert demo.returncode == 0, story[-3000:]
    for heard in ("VisitDeclined", "OfferLapsed", "VisitMissed", "ActionVerified", "CaseClosed", "CohortCompleted"):
        assert heard in story, f"{heard} is not in the story that was told"
