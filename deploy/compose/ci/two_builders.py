"""The same image by the other builder: with BuildKit where a client here has it, whose layers must hold the same files.

Old clients have it built in, new ones as the plugin `buildx`; of several clients on one machine any will do.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deploy.compose.ci.image_checks import layers_of
from deploy.compose.engine import Engine
from deploy.local.problem import Problem

_BUILT_IN_UNTIL = 23


def with_buildkit(engine: Engine) -> Engine | None:
    """The same engine, asked by a client that has BuildKit; nothing where no client here has."""
    for folder in os.get_exec_path(dict(engine.environment)):
        client = Path(folder) / "docker"
        if not os.access(client, os.X_OK):
            continue
        asked = replace(engine, docker=(str(client),), environment={**engine.environment, "DOCKER_BUILDKIT": "1"})
        try:
            version = asked.run("version", "--format", "{{.Client.Version}}").strip()
        except Problem:
            continue
        if int(version.split(".")[0]) < _BUILT_IN_UNTIL or asked.succeeds("buildx", "version"):
            return asked
    return None


def compare(engine: Engine, image: str, other: str) -> int:
    """How many files both hold; raises AssertionError with the first that differ."""
    one, two = files_of(engine, image), files_of(engine, other)
    differing = sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))
    if differing:
        shown = "; ".join(f"{name}: {one.get(name)} and {two.get(name)}" for name in differing[:5])
        raise AssertionError(f"{len(differing)} of {len(one)} files differ: {shown}")
    return len(one)


def files_of(engine: Engine, image: str) -> Mapping[str, str]:
    """What every file of every layer is: kind, mode, owner, time, and a digest of its content."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="gemba-image-") as folder:
        saved = Path(folder) / "image.tar"
        engine.run("save", "--output", str(saved), image)
        with tarfile.open(saved) as outer:
            for layer in layers_of(outer):
                found.update({member.name.strip("/"): _described(layer, member) for member in layer})
    return found


def _described(layer: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    told = f"{member.type.decode()} {member.mode:o} {member.uid}:{member.gid}"
    if member.isfile():
        content = layer.extractfile(member)
        digest = hashlib.sha256(content.read() if content else b"").hexdigest()[:16]
        return f"{told} {member.mtime} {member.size} {digest}"
    return f"{told} {member.linkname}"
