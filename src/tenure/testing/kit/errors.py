"""What a test is told when it asks for what cannot be, or when what must not be has come."""

from __future__ import annotations

from tenure.errors import TenureError


class KitError(TenureError):
    """One line: what was asked, why it cannot be, and the next step. Nothing changed."""

    code = "kit"


class Forbidden(AssertionError):
    """What `never` forbade has happened, or a promise of Tenure's own was broken (G1)."""


class WorldsFailed(AssertionError):
    """In which worlds a story went wrong that `interrupted` lived. `story` is that of the first."""

    def __init__(self, message: str, story: str) -> None:
        super().__init__(message)
        self.story = story


def one_line(fault: BaseException) -> str:
    """What is said of an exception, in one line."""
    said = " ".join(str(fault).split())
    return f"{type(fault).__name__}: {said}" if said else type(fault).__name__
