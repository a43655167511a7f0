"""Tests of one `xdist_group` go to one worker, and what takes longest begins first, so that workers end together.

Those of a consumer group cannot share its partitions with another's, and an installation is started once for all who use it.

pytest-xdist 3.8 marks the group in an attribute that pytest 9.2 no longer reads, so `--dist loadgroup` spread groups over all
workers without a word. Here the mark is put where the scheduler of `--dist loadgroup` finds it: at the end of the node's id.
"""

from __future__ import annotations

import pytest
from _pytest.nodeid import coerce_node_id

_LONGEST_FIRST = ("scenarios", "browser", "integration", "contract", "unit")
"""Layers by how long one test of them takes; `--no-loadscope-reorder` keeps the order."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Runs in the workers, which alone collect."""
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        names = _groups_of(item)
        suffix = "@" + "_".join(names)
        if names and not item.nodeid.endswith(suffix):
            item._id = coerce_node_id(item.nodeid + suffix)  # type: ignore[attr-defined]
    items.sort(key=lambda item: (not _groups_of(item), _layer_of(item)))


def _groups_of(item: pytest.Item) -> list[str]:
    return sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})


def _layer_of(item: pytest.Item) -> int:
    return next((rank for rank, name in enumerate(_LONGEST_FIRST) if name in item.path.parts), len(_LONGEST_FIRST))
