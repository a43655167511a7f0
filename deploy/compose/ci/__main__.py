"""``python -m deploy.compose.ci``: everything about containers that can be seen by running them. Exit code 0 if all passed.

Where containers cannot run it says why, and fails only with ``CI=true``.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from deploy.compose.ci.machine import NoContainers, container_engine
from deploy.compose.ci.stages import Stages
from deploy.compose.ci.steps import Abandoned, Steps

_LONGEST_SECONDS = 25 * 60
"""Far beyond what it takes: what hangs is ended, and cleaned up after."""


class _TooLong(BaseException):
    """Time is up; no handler of ordinary faults may swallow it."""


def main() -> int:
    steps = Steps()

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        raise _TooLong(f"ended by {signal.Signals(number).name}")

    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.alarm(_LONGEST_SECONDS)
    try:
        with tempfile.TemporaryDirectory(prefix="gemba-stage-") as folder, container_engine(steps.say) as engine:
            Stages(steps, engine, Path(folder)).run()
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
    sys.exit(main())
