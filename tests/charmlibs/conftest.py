"""The same fixtures as the examples have."""

from tests.examples.conftest import short, tenure

__all__ = ["short", "tenure"]
