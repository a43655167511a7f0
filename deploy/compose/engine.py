"""The container engine: ``docker`` and ``docker compose`` as commands, with errors that say what the engine said."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.local.problem import Problem

_LONGEST_SECONDS = 900.0


@dataclass(frozen=True)
class Engine:
    """``environment`` is what commands get; ``docker`` and ``compose`` are how each is started."""

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    docker: tuple[str, ...] = ("docker",)
    compose: tuple[str, ...] = ("docker", "compose")

    def run(
        self, *arguments: str, stdin: IO[bytes] | int | None = subprocess.DEVNULL, seconds: float = _LONGEST_SECONDS
    ) -> str:
        """``docker …``; what it printed. Raises Problem with what it complained about."""
        return self._call([*self.docker, *arguments], stdin, seconds, None)

    def run_compose(self, project: Path, *arguments: str, seconds: float = _LONGEST_SECONDS) -> str:
        """``docker compose …`` in the folder of a docker-compose.yml."""
        return self._call([*self.compose, *arguments], subprocess.DEVNULL, seconds, project)

    def stream(
        self, command: Sequence[str], folder: Path, *, stdin: IO[bytes] | None, stdout: IO[bytes] | None
    ) -> None:
        """Run a command between files, however large they are. Raises Problem with what it complained about."""
        done = subprocess.run(
            command,
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(self.environment),
            cwd=folder,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise Problem(f"`{' '.join(command[-3:])}` failed: {said[-1] if said else 'it said nothing'}")

    def succeeds(self, *arguments: str) -> bool:
        try:
            self.run(*arguments)
        except Problem:
            return False
        return True

    def has_image(self, image: str) -> bool:
        return self.succeeds("image", "inspect", image)

    def build(self, context: Path, image: str, arguments: Mapping[str, str], *options: str) -> None:
        """Build with the network of the host: package registries may be reachable from there alone."""
        given = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
        self.run("build", "--network", "host", "--tag", image, *given, *options, str(context))

    def _call(self, command: list[str], stdin: IO[bytes] | int | None, seconds: float, folder: Path | None) -> str:
        try:
            done = subprocess.run(
                command,
                stdin=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                env=dict(self.environment),
                cwd=folder,
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError as missing:
            raise Problem(
                f"there is no program `{command[0]}`", remedy="install Docker, or Podman with its docker command"
            ) from missing
        except subprocess.TimeoutExpired as late:
            raise Problem(f"`{' '.join(command[:4])} …` took longer than {seconds:.0f} s") from late
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip())[-3000:]
            raise Problem(f"`{' '.join(command[:6])}{' …' if len(command) > 6 else ''}` failed: {said}")
        return done.stdout


def docker_engine() -> Engine:
    """The engine that the caller's environment names."""
    return Engine()
