"""Answers as tables.

Rich draws them on a terminal and is loaded only there; elsewhere columns are padded, so that they
can be read, cut and compared.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

import click
import msgspec

from tenure.cli.show.output import show
from tenure.cli.show.table import COLUMNS, Table, padded


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


def show_tables(
    form: str, answer: msgspec.Struct, wide: bool, text: Callable[[Tables], str]
) -> None:
    """As `show`, with tables to draw."""
    tables = Tables(wide=wide)
    show(form, answer, lambda: text(tables))
    tables.say_if_cut()
