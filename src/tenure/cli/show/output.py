"""Answers on stdout: for programs as JSON, for people as lines and tables.

Rich draws tables on a terminal and is loaded only there; elsewhere columns are padded, so that they
can be read, cut and compared.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from functools import partial

import click
import msgspec

from tenure.cli.show.text import plain
from tenure.wire.operators import Ok

Row = Sequence[str]


def show(form: str, answer: msgspec.Struct, text: Callable[[], str]) -> None:
    """Print the answer in the form that was asked for: `json`, `yaml`, or another for people."""
    if form == "yaml":
        text = partial(_as_yaml, answer)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(answer)).decode())
        return
    lines = text()
    if lines:
        click.echo(lines)


def _as_yaml(answer: msgspec.Struct) -> str:
    from tenure.jujuyaml.writer import dump  # because few commands need it, and each starts

    return dump(msgspec.to_builtins(answer)).rstrip("\n")


def say_done(form: str, answer: Ok, sentence: str) -> None:
    """Print what was done, in the controller's own words if it has some."""
    show(form, answer, lambda: plain(answer.note or sentence))


def table(headers: Row, rows: Sequence[Row]) -> str:
    """The rows under their headers, as it suits where stdout goes."""
    if sys.stdout.isatty():
        drawn: str = importlib.import_module("tenure.cli.show.rich_table").draw(headers, rows)
        return drawn
    return padded(headers, rows)


def padded(headers: Row, rows: Sequence[Row]) -> str:
    """Columns of equal width, two spaces between them."""
    lines = [headers, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
