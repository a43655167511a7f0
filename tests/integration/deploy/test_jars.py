"""Kafka's jars are downloaded once, however many installations begin in the same moment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from deploy.local import jars
from deploy.local.state import ROOT

AT_ONCE = 4
SMALL_ONES = """
import pathlib, sys
from deploy.local import jars
jars.locked_jars.__defaults__ = (pathlib.Path(sys.argv[1]),)
print(len(jars.kafka_class_path()))
"""


def test_all_who_begin_at_once_with_an_empty_cache_get_every_jar(tmp_path: Path) -> None:
    small = [line for line in jars.LOCK.read_text("ascii").splitlines() if "slf4j" in line or "jackson-core" in line]
    assert len(small) > 1
    lock = tmp_path / "jars.lock"
    lock.write_text("\n".join(small) + "\n", "ascii")
    environment = {name: value for name, value in os.environ.items() if name != "GEMBA_KAFKA_LIBS"}
    environment |= {"GEMBA_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SMALL_ONES, str(lock)]
    pipe = subprocess.PIPE
    begun = [subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True) for _ in range(AT_ONCE)]
    told = [one.communicate(timeout=120) for one in begun]
    assert [out.strip() for out, _ in told] == [str(len(small))] * AT_ONCE, told
