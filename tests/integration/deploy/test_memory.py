"""What a program holds is counted once, however many of its processes share it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from deploy.local.process import memory_of, memory_of_one

MEGABYTE = 1_000_000
SHARED_BY_TWO = """
import os, signal
held = bytearray(os.urandom(1)) * 80_000_000
child = os.fork()
if child:
    print("both hold it", flush=True)
signal.pause()
"""


def test_what_two_processes_share_is_counted_once() -> None:
    with subprocess.Popen([sys.executable, "-c", SHARED_BY_TWO], stdout=subprocess.PIPE, start_new_session=True) as one:
        try:
            assert one.stdout is not None
            assert one.stdout.readline() == b"both hold it\n"
            together, alone = memory_of(one.pid), memory_of_one(one.pid)
            assert together is not None
            assert alone is not None
            assert 80 * MEGABYTE < together < 120 * MEGABYTE
            assert alone < 70 * MEGABYTE
        finally:
            os.killpg(one.pid, signal.SIGKILL)


def test_a_process_that_is_gone_holds_nothing_that_can_be_told() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert memory_of(gone.pid) is None
