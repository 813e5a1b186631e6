"""Answers on stdout: for programs as JSON, for people as lines and tables.

Rich draws tables on a terminal and is loaded only there; elsewhere columns are padded, so that they
can be read, cut and compared.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import click
import msgspec

from tenure.cli.show.table import COLUMNS, Table, padded
from tenure.cli.show.text import plain
from tenure.wire.operators import Ok

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


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


class Tables:
    """Draws tables as it suits where stdout goes, and knows whether that has cut anything."""

    def __init__(self, *, wide: bool = False) -> None:
        self._wide = wide
        self._was_cut = False

    def draw(self, table: Table) -> str:
        """The table as text."""
        if sys.stdout.isatty():
            drawn: str = importlib.import_module("tenure.cli.show.rich_table").draw(table)
            return drawn
        text, was_cut = padded(table, wide=self._wide)
        self._was_cut = self._was_cut or was_cut
        return text

    def say_if_cut(self) -> None:
        """Say on stderr, if it is so, that there is more to see."""
        if self._was_cut:
            click.echo(f"note: cut to {COLUMNS} columns: --wide shows all of it", err=True)


with_wide: Decorator = click.option(
    "--wide", is_flag=True, help=f"Cut nothing to {COLUMNS} columns where there is no terminal."
)
"""Adds `--wide`; the command gets `wide`."""


def show_tables(
    form: str, answer: msgspec.Struct, wide: bool, text: Callable[[Tables], str]
) -> None:
    """As `show`, with tables to draw."""
    tables = Tables(wide=wide)
    show(form, answer, lambda: text(tables))
    tables.say_if_cut()
