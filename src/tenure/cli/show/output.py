"""Answers on stdout: for programs as JSON, for people as lines; as tables in `tables.py`."""

from __future__ import annotations

from collections.abc import Callable

import click
import msgspec

from tenure.cli.show.text import plain
from tenure.wire.operators import Ok


def show(form: str, answer: msgspec.Struct, text: Callable[[], str]) -> None:
    """Print the answer in the form that was asked for: `json`, or `text`."""
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(answer)).decode())
        return
    lines = text()
    if lines:
        click.echo(lines)


def say_done(form: str, answer: Ok, sentence: str) -> None:
    """Print what was done, in the controller's own words if it has some."""
    show(form, answer, lambda: plain(answer.note or sentence))
