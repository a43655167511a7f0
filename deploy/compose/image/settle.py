"""``settle.py LAYER …``: compile everything once and give every file the same time, so that equal input makes equal layers.

A read-only root cannot keep compiled modules, so each start would compile them again. They are compiled here, without
the time of their source in them. Standard library only: it runs in the base image.
"""

from __future__ import annotations

import compileall
import os
import sys
from pathlib import Path
from py_compile import PycInvalidationMode


def settle(layers: list[Path], epoch: int) -> None:
    """Everything below each layer; ``epoch`` is in seconds since 1970, UTC."""
    for layer in layers:
        compileall.compile_dir(
            layer, quiet=2, workers=0, stripdir=str(layer), prependdir="/",
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )  # fmt: skip
        for path in [*layer.rglob("*"), layer]:
            os.utime(path, (epoch, epoch), follow_symlinks=False)
            if not path.is_symlink() and path.name != "tmp":
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


if __name__ == "__main__":
    settle([Path(layer) for layer in sys.argv[1:]], int(os.environ.get("SOURCE_DATE_EPOCH", "0")))
