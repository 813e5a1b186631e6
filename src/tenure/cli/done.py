"""What a deed without figures prints: the controller's own words, or else one sentence."""

from __future__ import annotations

from tenure.cli.show.output import show
from tenure.cli.show.text import plain
from tenure.wire.operators import Ok


def say_done(form: str, answer: Ok, sentence: str) -> None:
    """Print what was done, or the answer as JSON."""
    show(form, answer, lambda: plain(answer.note or sentence))
