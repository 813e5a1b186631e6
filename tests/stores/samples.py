"""Values that the exam of the stores commits."""

from __future__ import annotations

from typing import Any

from tenure.core.changes import (
    ApplicationPut,
    ApplicationRecord,
    Change,
    HistoryAdded,
    Holder,
)

UNSTORABLE = HistoryAdded(application="web", at=1.0, kind="settings", cause="\ud800")
"""No store can write it: half of a surrogate pair is no text."""


def record(name: str = "web", **fields: Any) -> ApplicationRecord:
    """An application's record, with ordinary values where none are named."""
    return ApplicationRecord(
        **{"name": name, "duration": 60.0, "guarantee": 30.0, "longest": 60.0, **fields}
    )


def led(term: int, name: str = "web") -> ApplicationPut:
    """The application has a leader under this term."""
    return ApplicationPut(record(name, term=term, holder=Holder(f"{name}/0", "instance-1")))


def entry(term: int, name: str = "web") -> HistoryAdded:
    """A line of history that its term tells apart."""
    return HistoryAdded(
        application=name, at=1e9 + term, kind="granted", cause=f"{name}/0 claimed it", term=term
    )


def turn(term: int) -> list[Change]:
    """What a controller commits in one turn of its loop."""
    return [led(term), entry(term)]
