"""Facts as lines that a person can read."""

from __future__ import annotations

from typing import Any

import msgspec

from tenure.simulation.facts import Fact
from tenure.testing.time.loop import START

INSTANTS = {"until", "lead_by", "quiet_by"}


def told(fact: Fact) -> str:
    """One line: the kind of the fact and what it says."""
    fields: dict[str, Any] = msgspec.structs.asdict(fact)
    del fields["at"]
    unit = fields.pop("unit", "")
    said = ", ".join(
        f"{name} {_short(value - START if name in INSTANTS else value)}"
        for name, value in fields.items()
        if value != ""
    )
    return f"{unit:<6} {type(fact).__name__:<12} {said}"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, dict):
        return " ".join(f"{key}={text}" for key, text in value.items()) or "nothing"
    return str(value).rstrip()
