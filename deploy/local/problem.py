"""The error of the one-machine mode: what is wrong, where, and what to do about it."""

from __future__ import annotations


class Problem(Exception):
    """Something a person can put right. ``str()`` of it is the whole message.

    ``remedy`` says what to do, as a sentence; the CLI prints both and exits with ``exit_code``,
    without a traceback.
    """

    exit_code: int = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy
