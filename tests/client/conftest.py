"""The client talks to the same pretended controller as the commands that are built on it."""

from tests.cli.conftest import desk, house

__all__ = ["desk", "house"]
