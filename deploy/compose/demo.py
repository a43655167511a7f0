"""Play the story on a running stack: from a container in its network, with what it tells on this terminal."""

from __future__ import annotations

import subprocess

from deploy.compose import layout
from deploy.compose.stack import Stack
from deploy.local.administrator import TOKEN_FILE
from deploy.local.problem import Problem


def play_story(stack: Stack) -> None:
    """Raises Problem when a step of it was not observed."""
    try:
        token = (layout.folder() / TOKEN_FILE).read_bytes()
    except OSError as missing:
        raise Problem(
            "there is no administrator's token", remedy="./gemba compose administrator you@example.org"
        ) from missing
    done = subprocess.run(
        [*stack.engine.compose, "run", "--rm", "--no-deps", "-T", "story"],
        input=token,
        cwd=stack.project,
        env=dict(stack.engine.environment),
        check=False,
    )
    if done.returncode != 0:
        raise Problem(
            "the story was not told to its end",
            remedy="start the stack with COMPOSE_FILE=docker-compose.yml:deploy/compose/demo.yml, empty",
        )
