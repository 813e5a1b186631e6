"""A hand-over as one sentence and its figures (O1)."""

from __future__ import annotations

from tenure.cli.plain import plain
from tenure.wire.operators import HandOver


def hand_over_text(done: HandOver) -> str:
    """Who led, who leads, and how long each part took in milliseconds."""
    lines = [_outcome(done)]
    if done.unit_from is not None:
        lines.append(f"  {done.unit_from} stepped down in {_ms(done.stepping_down_for)}")
    if done.unit_to is not None:
        lines.append(f"  {done.unit_to} took over in {_ms(done.taking_over_for)}")
    if done.note:
        lines.append(f"  {plain(done.note)}")
    return "\n".join(lines)


def _outcome(done: HandOver) -> str:
    if done.unit_to is None:
        return f"nobody leads {done.application} now"
    return f"{done.unit_to} leads {done.application}, term {done.term}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
