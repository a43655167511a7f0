"""``python -m deploy.compose.ci``: everything about containers that can be seen by running them. Exit code 0 if all passed.

Where containers cannot run it says why, and fails only with ``CI=true``. For work on a single step:

    python -m deploy.compose.ci --only restore --only broker    # steps with these words, and those that they stand on
    python -m deploy.compose.ci --keep NAME …                   # images stay in the engine; the next run takes them from there
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from deploy.compose.ci.machine import NoContainers, container_engine
from deploy.compose.ci.stages import Stages
from deploy.compose.ci.steps import Abandoned, Steps

_LONGEST_SECONDS = 29 * 60
"""Far beyond what it takes: what hangs is ended, and cleaned up after."""
_ENDING = (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)


class _TooLong(BaseException):
    """Time is up; no handler of ordinary faults may swallow it."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.compose.ci")
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="steps whose name has this word")
    parser.add_argument("--keep", default="", metavar="NAME", help="name of images that stay in the engine")
    chosen = parser.parse_args(arguments)
    steps = Steps(tuple(chosen.only))

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        for further in _ENDING:
            signal.signal(further, signal.SIG_IGN)  # nothing may end the cleaning up
        raise _TooLong(f"ended by {signal.Signals(number).name}")

    for number in _ENDING:
        signal.signal(number, end)
    signal.alarm(_LONGEST_SECONDS)
    try:
        with tempfile.TemporaryDirectory(prefix="gemba-stage-") as folder, container_engine(steps.say) as machine:
            Stages(steps, machine, Path(folder), chosen.keep).run()
    except NoContainers as impossible:
        steps.say(f"containers cannot run here: {impossible}")
        if os.environ.get("CI") == "true":
            steps.failed.append("containers run on this machine")
        else:
            return 0
    except Abandoned as step:
        steps.say(f"abandoned after “{step}”")
    except _TooLong as late:
        steps.failed.append(f"an end within {_LONGEST_SECONDS // 60} minutes ({late})")
    signal.alarm(0)
    return steps.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
