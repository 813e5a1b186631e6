"""Which texts yaml.v2 reads as something else than a text."""

from __future__ import annotations

import pytest

from tenure.agent.tools.gotypes import reads_as_another_type
from tenure.agent.tools.goyaml import dump

ALL_FORMS = [form for word in ("yes", "no", "on", "off", "true", "false", "null") for form in (
    word, word.capitalize(), word.upper()
)]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        *ALL_FORMS, "y", "Y", "n", "N", "", "~",
        "0", "-1", "+1", "010", "08", "0x1F", "0X1f", "-0x1", "0o7", "0O7", "0b1", "0B1", "-0b1",
        "0b-1", "1_000", "1_", "0_8", "18446744073709551615", "-9223372036854775808", "9" * 30,
        "1.5", "1.", ".5", "-.5", "1e3", "1E-3", ".5_0", "+1.5e+3", "1_0.5",
        ".inf", "-.Inf", "+.INF", ".nan", ".NaN", ".NAN",
        "12:30:45", "1:30", "-1:5.25", "1_0:59",
        "2015-01-01", "2015-1-1", "2016-2-29", "2015-01-01T00:00:00Z", "2015-1-1t0:0:0.5+02:00",
        "2015-01-01  1:2:3", "2015-01-01 1:2:3,25",
    ],
)  # fmt: skip
def test_what_reads_as_another_type_is_double_quoted(text: str) -> None:
    """T4"""
    assert dump(text) == f'"{text}"\n'


@pytest.mark.parametrize(
    "text",
    [
        "yEs", "nULL", "~x", "<<", "=", ".", "..", "+", "0x", "0xG", "0b2", "0o8", "1e", "1e999",
        ".5_", "._5", ".5__0", "0x" + "F" * 17, "-0x" + "F" * 16, "1:60", "1:2:99", "+inf", "nan",
        "2015-13-01", "2015-2-29", "2015-01-01T00:00:00", "2015-01-01 1:2:3Z", "2015-01-01 24:0:0",
        "2001-12-14 21:59:43.10 -5", "15-01-01", "a:b", "a#b", "-x", "?x", ":x", "it's", 'a"b',
        "é", "\xa0", "\ufffd", "a, b", "x]",
    ],
)  # fmt: skip
def test_what_reads_as_a_string_stays_plain(text: str) -> None:
    """T4"""
    assert dump(text) == f"{text}\n"


@pytest.mark.parametrize("base", ["", "0x", "0b", "0o", "0", "-"])
@pytest.mark.parametrize("zeros", ["", "0" * 100])
def test_a_number_of_thousands_of_digits_is_as_large_as_it_is(base: str, zeros: str) -> None:
    """T4: only the number of its digits counts then"""
    if not base.strip("-") and zeros:
        base += "0"  # because the zeros make it octal
    assert reads_as_another_type(base + zeros + "1")
    # because what is too large for an integer may still be a float, if it is written like one
    assert reads_as_another_type(base + zeros + "1" * 300) == (base in ("", "-", "0", "-0"))
    assert not reads_as_another_type(base + zeros + "1" * 6000)
