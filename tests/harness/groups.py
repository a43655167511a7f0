"""Tests of one `xdist_group` go to one worker: those of a consumer group cannot share its partitions with another's.

pytest-xdist 3.8 marks the group in an attribute that pytest 9.2 no longer reads, so `--dist loadgroup` spread groups over all
workers without a word. Here the mark is put where the scheduler of `--dist loadgroup` finds it: at the end of the node's id.
"""

from __future__ import annotations

import pytest
from _pytest.nodeid import coerce_node_id


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Runs in the workers, which alone collect."""
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        names = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})
        suffix = "@" + "_".join(names)
        if names and not item.nodeid.endswith(suffix):
            item._id = coerce_node_id(item.nodeid + suffix)  # type: ignore[attr-defined]
