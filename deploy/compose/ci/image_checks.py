"""What the image must be: small, without a shell and without tools, the same under another hand, and content to own nothing."""

from __future__ import annotations

import json
import re
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.compose.engine import Engine

HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp")  # noqa: S108
LARGEST_MEGABYTES = 700
_TOOLS = re.compile(
    r"(^|/)(sh|bash|dash|busybox|apt|apt-get|dpkg|gcc|cc|make|curl|wget|pip3?(\.\d+)?|perl|ldconfig)$"
    r"|/(pip|setuptools|wheel|ensurepip)/__init__\.py$"
)
_PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{60}")

IMPORT_ALL = """
import importlib, os, pkgutil, sys
import deploy, services, shared
names, wrong = [], []
for root in (shared, services, deploy):
    for found in pkgutil.walk_packages(root.__path__, root.__name__ + "."):
        if not found.name.endswith("__main__") and ".migrations" not in found.name and ".compose.image." not in found.name:
            names.append(found.name)
for name in names:
    try:
        importlib.import_module(name)
    except Exception as fault:
        wrong.append(f"{name}: {type(fault).__name__}: {fault}")
assert os.getuid() == 10001, os.getuid()
assert not wrong, "; ".join(wrong)
try:
    open("/opt/gemba/app/new", "w")
except OSError:
    print(len(names), "modules")
else:
    sys.exit("the root can be written")
"""


def check_image(engine: Engine, image: str) -> str:
    """Raises AssertionError for the first thing that is not as promised; returns what it is."""
    told = json.loads(engine.run("image", "inspect", image))[0]
    settings = told["Config"]
    assert settings["User"] == "10001:10001", f"it runs as {settings['User']}"
    assert settings["Healthcheck"]["Test"][0] == "CMD", "its health check needs a shell"
    labels = settings["Labels"] or {}
    for label in ("title", "description", "version", "revision"):
        assert labels.get(f"org.opencontainers.image.{label}"), f"it has no label {label}"
    size = told["Size"] / 1_000_000
    assert size < LARGEST_MEGABYTES, f"it has {size:.0f} MB"
    layers = len(told["RootFS"]["Layers"])
    content = check_layers(engine, image)
    said = engine.run("run", "--rm", *HARDENED, "--network", "none", image, "python3", "-c", IMPORT_ALL)
    return (
        f"{size:.0f} MB in {layers} layers, {content}; {said.strip()} imported with no capability on a read-only root"
    )


def check_layers(engine: Engine, image: str) -> str:
    """No tool and no private key in any layer, removed ones included."""
    with tempfile.TemporaryDirectory(prefix="gemba-image-") as folder:
        saved = Path(folder) / "image.tar"
        engine.run("save", "--output", str(saved), image)
        with tarfile.open(saved) as outer:
            count = sum(_check_layer(layer) for layer in layers_of(outer))
    assert count > 1000, "the layers were not found"
    return f"{count} files"


def layers_of(saved: tarfile.TarFile) -> Iterator[tarfile.TarFile]:
    """The layers in what `docker save` wrote, whichever of its two layouts it has."""
    for member in saved.getmembers():
        if _is_layer(saved, member):
            with tarfile.open(fileobj=saved.extractfile(member)) as layer:
                yield layer


def _is_layer(outer: tarfile.TarFile, member: tarfile.TarInfo) -> bool:
    if not member.isfile() or member.name.endswith(".json"):
        return False
    file = outer.extractfile(member)
    return file is not None and file.read(265)[257:262] == b"ustar"


def _check_layer(layer: tarfile.TarFile) -> int:
    count = 0
    for found in layer:
        count += found.isfile()
        assert not _TOOLS.search(found.name) or found.isdir(), f"a tool is in the image: {found.name}"
        if found.isfile() and found.size < 100_000 and not found.name.endswith((".py", ".pyc")):
            content = layer.extractfile(found)
            assert content is None or not _PRIVATE.search(content.read()), f"a private key is in it: {found.name}"
    return count
