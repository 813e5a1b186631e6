"""A hand-over as one sentence and its figures (O1)."""

from __future__ import annotations

from tenure.cli.show.text import plain
from tenure.wire.operators import HandOver


def hand_over_text(done: HandOver) -> str:
    """Who led, who leads, and how long each part took in milliseconds."""
    if _was_so_already(done):
        return f"{done.unit_to} leads {done.application} already, term {done.term}"
    lines = [_outcome(done)]
    if done.unit_from is not None:
        lines.append(f"  {done.unit_from} stepped down in {_ms(done.stepping_down_for)}")
    if done.unit_to is not None:
        lines.append(f"  {done.unit_to} took over in {_ms(done.taking_over_for)}")
    if done.note:
        lines.append(f"  {plain(done.note)}")
    return "\n".join(lines)


def _was_so_already(done: HandOver) -> bool:
    # A leader that stepped down and took over again, as the only unit, took time for it.
    took = done.stepping_down_for + done.taking_over_for
    return done.unit_to is not None and done.unit_to == done.unit_from and took == 0


def _outcome(done: HandOver) -> str:
    if done.unit_to is None:
        return f"nobody leads {done.application} now"
    return f"{done.unit_to} leads {done.application}, term {done.term}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
