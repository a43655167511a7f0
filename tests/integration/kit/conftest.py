"""Publishers and listeners for the kit's own tests."""

from tests.integration.kit.parts import desk, listener, publisher

__all__ = ["desk", "listener", "publisher"]
