"""Tables where there is no terminal: a row is a line, and lines fit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tenure.cli.show.table import COLUMNS, FAILED, LEAST, Table, padded, without_empty

cells = st.text("ab é", max_size=100)


def test_what_fits_is_padded_and_not_cut() -> None:
    table = Table(("A", "LONG"), [("1", "2"), ("three", "")], free=("LONG",))
    assert padded(table) == ("A      LONG\n1      2\nthree", False)


def test_free_text_is_cut_and_names_are_not() -> None:
    table = Table(("NAME", "TEXT"), [("n" * 30, "t" * 100)], free=("TEXT",))
    text, was_cut = padded(table)
    assert was_cut
    assert text.splitlines()[1] == f"{'n' * 30}  {'t' * 47}…"
    assert padded(table, wide=True) == (
        f"NAME{' ' * 28}TEXT\n{'n' * 30}  {'t' * 100}",
        False,
    )


@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=5))
def test_a_row_is_a_line_and_fits_if_its_names_do(rows: list[tuple[str, str, str]]) -> None:
    rows = [(name[:20], one, other) for name, one, other in rows]
    text, was_cut = padded(Table(("N", "ONE", "OTHER"), rows, free=("ONE", "OTHER")))
    lines = text.split("\n")
    assert len(lines) == len(rows) + 1
    assert all(len(line) <= COLUMNS for line in lines)
    for row, line in zip(rows, lines[1:], strict=True):
        assert line.startswith(row[0].rstrip()) and row[1][: LEAST - 1].rstrip() in line
    assert was_cut or all(cell.rstrip() in line for row, line in zip(rows, lines[1:], strict=True)
                          for cell in row)  # fmt: skip


def test_a_column_that_says_nothing_is_left_out() -> None:
    table = Table(("A", "B"), [("-", "-"), ("1", "-")], (FAILED, ""), ("B",))
    found = without_empty(table, {"A": ("-",), "B": ("-",)})
    assert found == Table(("A",), [("-",), ("1",)], (FAILED, ""), ("B",))
