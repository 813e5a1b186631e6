"""Durations as people write and read them."""

from __future__ import annotations

import pytest

from tenure.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("5m", 300),
        ("2h", 7200),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1m500ms", 60.5),
        ("1.5h", 5400),
        ("0s", 0),
        ("1h0m1s", 3601),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "5 s", "-5s", "+5s", "1s1m", "1s1s", "5S", "1e3s", "٥s"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 60s, 5m, 1h30m or 500ms"):
        parse_duration(text)


def test_a_number_without_unit_is_refused_with_a_hint() -> None:
    with pytest.raises(ValueError, match="'60' has no unit: write 60s, 60m or 60h"):
        parse_duration("60")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.04, "0s"),
        (0.5, "0.5s"),
        (9.9, "9.9s"),
        (9.96, "10s"),
        (59.6, "1m"),
        (90, "1m30s"),
        (3600, "1h"),
        (5400, "1h30m"),
        (-1, "0s"),
    ],
)
def test_people_read_it_short(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
