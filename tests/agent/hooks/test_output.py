"""What a hook writes becomes lines of the unit's log."""

from __future__ import annotations

import pytest

from tenure.agent.hooks.output import MAX_LINE, LineSplitter


def test_a_long_line_is_cut_between_characters() -> None:
    """H11"""
    line = "x" + "é" * MAX_LINE
    splitter = LineSplitter()
    content = f"{line}\nnext\n".encode()
    pieces = [
        piece
        for at in range(0, len(content), 4096)
        for piece in splitter.feed(content[at : at + 4096])
    ]
    assert "".join(pieces[:-1]) == line
    assert pieces[-1] == "next"
    assert all(MAX_LINE - 4 < len(piece.encode()) <= MAX_LINE for piece in pieces[:2])
    assert splitter.flush() == []


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_lines_do_not_depend_on_how_they_arrive(size: int) -> None:
    """H11"""
    content = b"\x80" * (MAX_LINE + 5) + b"\n\r\n" + b"y\n" * 50 + b"\xc3\xa9\nend\xc3"
    whole, bit_by_bit = LineSplitter(), LineSplitter()
    expected = whole.feed(content) + whole.flush()
    bits = [content[at : at + size] for at in range(0, len(content), size)]
    got = [line for bit in bits for line in bit_by_bit.feed(bit)] + bit_by_bit.flush()
    assert got == expected
