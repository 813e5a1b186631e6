"""What is wrong with a charm."""

from __future__ import annotations

from tenure.errors import TenureError


class CharmError(TenureError):
    """The charm is not one, or cannot be read, packed or copied."""

    code = "charm-error"


def reason_of(error: OSError) -> str:
    """The operating system's reason, as a part of a line."""
    return (error.strerror or str(error)).lower()
