"""The same houses as the examples have."""

from tests.examples.conftest import house, short

__all__ = ["house", "short"]
