"""Apache Kafka's own jars, by coordinates and checksum, without Maven.

``deploy/kafka/jars.lock`` names every jar with its SHA-256, so what runs is what was locked,
whoever serves it. ``python -m deploy.local.jars`` resolves the tree anew and rewrites the lock
(after a change of ``KAFKA_VERSION``).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.problem import Problem

if TYPE_CHECKING:
    from jgo.maven import Artifact, MavenContext

KAFKA_VERSION = "4.4.0"
_ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    # Without a binding for SLF4J the broker dies without a word when a setting is wrong.
    "org.slf4j:slf4j-simple:1.7.36",
)
LOCK = Path(__file__).resolve().parent.parent / "kafka" / "jars.lock"
_DOWNLOADS_AT_ONCE = 6
_TRIES = 3


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinates(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    def path_in(self, repository: Path) -> Path:
        folder = repository.joinpath(*self.group.split("."), self.artifact, self.version)
        return folder / f"{self.artifact}-{self.version}.jar"


def cache_folder() -> Path:
    """Where downloads are kept between installations (``GEMBA_CACHE``, else the user's cache)."""
    named = os.environ.get("GEMBA_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    cache = os.environ.get("XDG_CACHE_HOME")
    if cache:
        return Path(cache) / "gemba"
    home = os.environ.get("HOME")
    if home:
        return Path(home) / ".cache" / "gemba"
    # No home at all: beside the virtual environment that runs this.
    return Path(sys.prefix) / "cache" / "gemba"


def locked_jars(lock: Path = LOCK) -> tuple[Jar, ...]:
    jars = []
    for number, line in enumerate(lock.read_text(encoding="ascii").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        try:
            coordinates, checksum = line.split()
            group, artifact, version = coordinates.split(":")
        except ValueError as error:
            raise Problem(
                f"{lock}, line {number}: expected `group:artifact:version sha256:…`, got {line!r}",
                remedy="take the file from the release again",
            ) from error
        jars.append(Jar(group, artifact, version, checksum.removeprefix("sha256:")))
    return tuple(jars)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def jars_in_cache() -> tuple[list[Path], list[Jar]]:
    """The jars that are there and whole, and those that are missing or wrong."""
    repository = cache_folder() / "maven"
    whole, missing = [], []
    for jar in locked_jars():
        path = jar.path_in(repository)
        if path.exists() and sha256_of(path) == jar.sha256:
            whole.append(path)
        else:
            missing.append(jar)
    return whole, missing


def kafka_class_path(progress: Callable[[int, int], None] | None = None) -> list[Path]:
    """Every jar of the broker, downloaded where needed and checked always.

    ``progress`` gets (jars there, jars in all) as they arrive. ``GEMBA_KAFKA_LIBS`` names the
    ``libs`` folder of an unpacked Kafka to use instead; nothing is downloaded then.
    """
    named = os.environ.get("GEMBA_KAFKA_LIBS")
    if named:
        found = sorted(Path(named).glob("*.jar"))
        if not found:
            raise Problem(
                f"Kafka: GEMBA_KAFKA_LIBS is {named}, and there is no .jar file in it",
                remedy="set it to the `libs` folder of an unpacked Apache Kafka, or unset it",
            )
        return found
    whole, missing = jars_in_cache()
    if missing:
        with _alone_in_cache():
            whole, missing = jars_in_cache()  # somebody else may have brought them meanwhile
            whole += _download(missing, len(whole), progress)
    return sorted(whole)


@contextmanager
def _alone_in_cache() -> Iterator[None]:
    """Two installations that begin at once share the cache: one would take away what the other is just writing."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "maven.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(missing: list[Jar], there: int, progress: Callable[[int, int], None] | None) -> list[Path]:
    if not missing:
        return []
    repository = cache_folder() / "maven"
    repository.mkdir(parents=True, exist_ok=True)
    context = _context(repository)
    arrived: list[Path] = []
    with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
        waiting = [pool.submit(_fetch, context, jar, repository) for jar in missing]
        for done in as_completed(waiting):
            arrived.append(done.result())
            if progress:
                progress(there + len(arrived), there + len(missing))
    return arrived


def _fetch(context: MavenContext, jar: Jar, repository: Path) -> Path:
    path = jar.path_in(repository)
    reason = ""
    for _ in range(_TRIES):
        path.unlink(missing_ok=True)  # a broken download must not be taken for the jar
        try:
            _artifact(context, jar).resolve()
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            continue
        found = sha256_of(path) if path.exists() else "nothing"
        if found == jar.sha256:
            return path
        reason = f"its SHA-256 is {found}, the lock says {jar.sha256}"
    path.unlink(missing_ok=True)
    raise Problem(
        f"Kafka: could not get {jar.coordinates}: {reason}",
        remedy="check the network (behind an inspecting proxy REQUESTS_CA_BUNDLE must name its "
        "certificate), or set GEMBA_KAFKA_LIBS to the `libs` folder of an unpacked Apache Kafka "
        f"{KAFKA_VERSION}",
    )


def _artifact(context: MavenContext, jar: Jar) -> Artifact:
    return context.project(jar.group, jar.artifact).at_version(jar.version).artifact()


def _context(repository: Path) -> MavenContext:
    from jgo.maven import MavenContext, PythonResolver

    return MavenContext(resolver=PythonResolver(), repo_cache=repository, timeout=60)


def rewrite_lock(lock: Path = LOCK) -> int:
    """Resolve the whole tree and lock it; returns how many jars it has."""
    repository = cache_folder() / "maven"
    context = _context(repository)
    roots, transitive = context.resolver.resolve([context.create_dependency(coordinates) for coordinates in _ROOTS])
    wanted = [*roots, *(each for each in transitive if each.scope in {"compile", "runtime"})]
    lines = sorted(
        f"{each.groupId}:{each.artifactId}:{each.version} sha256:{sha256_of(each.artifact.resolve())}"
        for each in wanted
    )
    header = [
        f"# Apache Kafka {KAFKA_VERSION} and all that it needs; checked after each download.",
        "# Made by `python -m deploy.local.jars`.",
    ]
    lock.write_text("\n".join([*header, *lines]) + "\n", encoding="ascii")
    return len(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{rewrite_lock()} jars locked in {LOCK}\n")
