"""How long the answer to a claim is waited for. Pure.

A grant is answered after its commit, and commits may be slow: whoever took that for silence, and
began again, would never lead (G11). So a controller that says nothing is asked for a sign of life.
While it gives some, its answer is waited for as long as it can be of use, which is until the belief
that it could bring would be over (G4).
"""

from __future__ import annotations

from typing import NamedTuple

from tenure.core.tracker import CLOCK_MARGIN, ClaimSent


class Waiting(NamedTuple):
    """A claim's instants, if nothing is heard before."""

    doubt_at: float
    """A sign of life is to be asked for."""
    silent_at: float
    """The connection is as good as gone."""
    useless_at: float
    """An answer would be of no use any more."""


def waiting(asked: ClaimSent, heard_at: float, duration: float) -> Waiting:
    """How the answer is waited for, where something was heard last at `heard_at`. Leases last
    `duration` seconds."""
    since, patience = max(asked.at, heard_at), max(0.5, min(5.0, duration / 4))
    return Waiting(since + patience / 2, since + patience, asked.at + duration * (1 - CLOCK_MARGIN))
