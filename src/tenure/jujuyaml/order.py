"""The order in which yaml.v2 writes the keys of a map: natural, so that `a2` comes before `a10`.

It is no order in the strict sense: in rare cases it runs in circles (2 < 12 < 1b < 2), and digits
are compared in Go's 64 bits, which wrap. Both are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key


def in_natural_order(keys: Iterable[str]) -> list[str]:
    """The keys as yaml.v2 writes them."""
    # because what is nearly in order takes few comparisons. And Go's order runs in circles in rare
    # cases (2 < 12 < 1b < 2): then it matters where sorting begins, and it begins at the same place
    return sorted(sorted(keys), key=cmp_to_key(compare_keys))


def compare_keys(a: str, b: str) -> int:
    """Natural order as yaml.v2 has it: below 0 if `a` comes first.

    Decided at the first character that differs: signs before digits before letters, runs of digits
    by value.
    """
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if at is None:
        return len(a) - len(b)
    x, y = a[at], b[at]
    if x.isalpha() or y.isalpha():
        if x.isalpha() and y.isalpha():
            return -1 if x < y else 1
        return -1 if y.isalpha() else 1
    start = 1 if "0" in (x, y) and _after_a_number(a, at) else 0
    left, right = _number(a, at, start), _number(b, at, start)
    return -1 if (*left, x) < (*right, y) else 1


def _after_a_number(text: str, at: int) -> bool:
    """Whether digits that are not all zero stand right before: then a zero is no leading one."""
    while at and text[at - 1].isdecimal():
        at -= 1
        if text[at] != "0":
            return True
    return False


def _number(text: str, at: int, value: int) -> tuple[int, int]:
    """The value and the end of the run of digits at `at`, in Go's 64 wrapping bits."""
    while at < len(text) and text[at].isdecimal():
        # because without wrapping at each step, a run's cost would grow with its length squared
        value = (value * 10 + ord(text[at]) - ord("0")) % 2**64
        at += 1
    return (value + 2**63) % 2**64 - 2**63, at
