"""The order in which yaml.v2 writes keys."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.jujuyaml.order import compare_keys, in_natural_order
from tests.support.steady import steady


@pytest.mark.parametrize(
    "ordered",
    [
        ["1", "2", "10", "a", "b"],
        ["a", "a2", "a10", "a10b", "ab"],
        ["-", "_", "0", "00", "1", "A", "B", "a", "é"],
        ["a0", "a00", "a1", "a01", "a2", "a02", "a10"],
        ["a12", "a123", "a12x"],
        ["a100", "a101", "a1001"],
        ["k", "k-a", "k.a", "k_a", "k1", "ka"],
    ],
)
def test_keys_are_in_natural_order(ordered: list[str]) -> None:
    """T4"""
    for at, key in enumerate(ordered):
        assert compare_keys(key, key) == 0
        assert all(compare_keys(key, later) < 0 for later in ordered[at + 1 :]), key
        assert all(compare_keys(key, earlier) > 0 for earlier in ordered[:at]), key


def test_the_order_does_not_depend_on_how_the_keys_came() -> None:
    """T4: also where Go's order runs in a circle"""
    assert compare_keys("2", "12") < 0 and compare_keys("12", "1b") < 0
    assert compare_keys("1b", "2") < 0
    found = {tuple(in_natural_order(keys)) for keys in permutations(["2", "12", "1b", "a"])}
    assert len(found) == 1


def test_runs_of_digits_are_compared_in_64_bits_that_wrap() -> None:
    """T4"""
    assert compare_keys(f"a{2**63 - 1}", "a8") > 0
    assert compare_keys(f"a{2**63}", "a8") < 0
    assert compare_keys(f"a{2**64 + 7}", "a8") < 0
    assert compare_keys("7" * 5000, "8" * 5000) != 0


@steady
@given(st.text("ab019-_é٣", max_size=6), st.text("ab019-_é٣", max_size=6))
def test_the_order_of_two_keys_does_not_depend_on_who_asks(a: str, b: str) -> None:
    """T4"""
    assert (compare_keys(a, b) < 0) == (compare_keys(b, a) > 0)
    assert (compare_keys(a, b) == 0) == (a == b)
