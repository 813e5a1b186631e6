"""Tables on a terminal. Loaded only there."""

from __future__ import annotations

from itertools import zip_longest

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tenure.cli.show.table import FAILED, LEADER, Table

STYLES = {LEADER: "bold green", FAILED: "red"}


HEAD = 2
"""Lines of a table above its rows."""


def table_of(table: Table, *, fold: bool = True) -> RichTable:
    """A plain table. Cells are text and no markup; rows that are marked stand out.

    What is too long is folded, or else cut, so that each row is a line.
    """
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in table.headers:
        drawn.add_column(header, overflow="fold" if fold else "ellipsis", no_wrap=not fold)
    for row, mark in zip_longest(table.rows, table.marks, fillvalue=""):
        drawn.add_row(*map(Text, row), style=STYLES.get(mark, ""))
    return drawn


def draw(table: Table) -> str:
    """The table as this terminal shows it."""
    console = Console(highlight=False)
    with console.capture() as captured:
        console.print(table_of(table))
    return captured.get().rstrip("\n")
