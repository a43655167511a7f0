"""What every scenario may use."""

from tests.harness.scenario import installation, programme, world

__all__ = ["installation", "programme", "world"]
