"""A table as a value, and how it is padded where no terminal draws it.

Off a terminal a row is a line, and lines fit 80 columns: what is free text is cut, names and
figures never are. With `wide` nothing is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Row = tuple[str, ...]

COLUMNS = 80
LEAST = 16
"""Characters that are left of a cell which is cut."""

LEADER, FAILED = "leader", "failed"
"""What a row may be marked as: a terminal shows it in colour, too."""


class Table(NamedTuple):
    """Headers, and rows as long as they are.

    `marks` has one for each row, or none at all; `free` are the headers of columns of free text.
    """

    headers: Row
    rows: list[Row]
    marks: Sequence[str] = ()
    free: tuple[str, ...] = ()


def without_empty(table: Table, optional: Mapping[str, tuple[str, ...]]) -> Table:
    """The table without those columns of `optional` in which nothing but its words stands."""
    shown = [
        at
        for at, header in enumerate(table.headers)
        if header not in optional or any(row[at] not in optional[header] for row in table.rows)
    ]
    rows = [_picked(row, shown) for row in table.rows]
    return table._replace(headers=_picked(table.headers, shown), rows=rows)


def _picked(row: Row, shown: list[int]) -> Row:
    return tuple(row[at] for at in shown)


def padded(table: Table, *, wide: bool = False) -> tuple[str, bool]:
    """Columns of equal width, two spaces between them; and whether anything was cut."""
    lines = [table.headers, *table.rows]
    natural = [max(map(len, column)) for column in zip(*lines, strict=True)]
    widths = natural if wide else _fitted(table, natural)
    drawn = (_line(line, widths) for line in lines)
    return "\n".join(drawn), widths != natural


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    fitted = (_cut(cell, width).ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(fitted).rstrip()


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else f"{cell[: width - 1]}…"


def _fitted(table: Table, natural: list[int]) -> list[int]:
    """Widths that fit, as far as free text allows it: the widest gives first."""
    widths = list(natural)
    free = [at for at, header in enumerate(table.headers) if header in table.free]
    while sum(widths) + 2 * (len(widths) - 1) > COLUMNS:
        at = max(free, key=lambda each: widths[each], default=None)
        if at is None or widths[at] <= LEAST:
            break
        widths[at] -= 1
    return widths
