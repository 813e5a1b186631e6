"""Tables on a terminal. Loaded only there."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


def table_of(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A plain table. Cells are text and no markup; a leader's row, marked `*`, stands out."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in headers:
        drawn.add_column(header, overflow="fold")
    for row in rows:
        style = "bold green" if row[0].endswith("*") else ""
        drawn.add_row(*map(Text, row), style=style)
    return drawn


def draw(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table as this terminal shows it."""
    console = Console(highlight=False)
    with console.capture() as captured:
        console.print(table_of(headers, rows))
    return captured.get().rstrip("\n")
