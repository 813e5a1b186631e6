"""Words, as in a shell without expansion."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.testing.drill.faults import WrongLine
from tenure.testing.drill.words import split


def texts(line: str, **values: str) -> list[str]:
    return [word.filled(values) for word in split(line)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  \t ", []),
        ("# all of it", []),
        ("a # b", ["a"]),
        ("a#b 'c#d' # e", ["a#b", "c#d"]),
        ("a 'b c' \"d e\" f\\ g", ["a", "b c", "d e", "f g"]),
        ("a'b'\"c\"d", ["abcd"]),
        ("'' \"\"", ["", ""]),
        ("* ~ `x` $(y) $ a$ $1", ["*", "~", "`x`", "$(y)", "$", "a$", "$1"]),
        (r'"a\"b\\c\$d\e"', [r'a"b\c$d\e']),
        (r"'a\b'", [r"a\b"]),
        ("a\r", ["a"]),
    ],
)
def test_a_line_is_split_like_a_shells(line: str, words: list[str]) -> None:
    assert texts(line) == words


def test_a_name_stands_for_its_value_but_in_single_quotes_and_after_a_backslash() -> None:
    line = r"""$a x$a-${b}y "$a $b" '$a' \$a "\$a" """
    assert texts(line, a="1 2", b="$a") == ["1 2", "x1 2-$ay", "1 2 $a", "$a", "$a", "$a"]


@pytest.mark.parametrize("line", ["'a", '"a', "a\\", "a\0b", '"a\\"'])
def test_what_no_shell_would_take_is_refused(line: str) -> None:
    with pytest.raises(WrongLine):
        split(line)


@given(st.text(st.sampled_from("ab '\"\\#\t"), max_size=12))
def test_whatever_can_be_written_is_read_as_a_shell_reads_it(line: str) -> None:
    """Where both take it"""
    try:
        found = texts(line)
    except WrongLine:
        return
    script = "set -f; printf '%s\\0' x " + line
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, timeout=30)
    assert ["x", *found] == done.stdout.decode().split("\0")[:-1]
