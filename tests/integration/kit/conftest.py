"""Publishers and listeners for the kit's own tests."""

from tests.integration.kit.parts import listener, publisher

__all__ = ["listener", "publisher"]
