"""What a deed without figures prints: one sentence, and the controller's note if there is one."""

from __future__ import annotations

from tenure.cli.output import show
from tenure.cli.plain import plain
from tenure.wire.operators import Ok


def say_done(form: str, answer: Ok, sentence: str) -> None:
    """Print the sentence and the note, or the answer as JSON."""
    show(form, answer, lambda: f"{sentence}: {plain(answer.note)}" if answer.note else sentence)
