"""A charm's configuration: what texts mean, and what an operator may set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.core.changes import ConfigRecord, Option
from tenure.core.config import (
    MAX_CONFIG,
    changed,
    counting,
    differing,
    kept,
    listed,
    text_of,
    value_of,
)
from tenure.errors import BadRequest, Refused

from .scenarios import refusal_of

NONE = ConfigRecord(application="web")
OPTIONS = {
    "port": Option(type="int", default="80"),
    "ratio": Option(type="float"),
    "debug": Option(type="boolean", default="false"),
    "motd": Option(default="hello"),
    "token": Option(type="secret"),
}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "0", 0), ("int", "+7", 7), ("int", "-007", -7),
        ("int", "9223372036854775807", 2**63 - 1), ("int", "-9223372036854775808", -(2**63)),
        ("int", "0" * 5000 + "1", 1),
        ("float", "1", 1.0), ("float", "-.5", -0.5), ("float", "5.", 5.0), ("float", "1e3", 1000.0),
        ("float", "1_000.2_5", 1000.25), ("float", "0x1p-2", 0.25), ("float", "-0X_1.8P+1", -3.0),
        ("boolean", "1", True), ("boolean", "t", True), ("boolean", "T", True),
        ("boolean", "TRUE", True), ("boolean", "true", True), ("boolean", "True", True),
        ("boolean", "0", False), ("boolean", "f", False), ("boolean", "F", False),
        ("boolean", "FALSE", False), ("boolean", "false", False), ("boolean", "False", False),
        ("string", " 12\n", " 12\n"), ("string", "", ""), ("secret", "secret:abc", "secret:abc"),
    ],
)  # fmt: skip
def test_a_text_means_what_go_reads_in_it(kind: str, text: str, value: object) -> None:
    """The types are Juju's, and so is what each of them takes."""
    found = value_of(Option(type=kind), text)  # type: ignore[arg-type]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", ""), ("int", " 1"), ("int", "1\n"), ("int", "1_000"), ("int", "0x10"),
        ("int", "1.0"), ("int", "9223372036854775808"), ("int", "-9223372036854775809"),
        ("int", "٣"), ("int", "9" * 5000), ("int", "+-1"),
        ("float", ""), ("float", "1e999"), ("float", "."), ("float", "_1"), ("float", "1__0"),
        ("float", "0x1"), ("float", "0x1p999999"), ("float", "1e"), ("float", "nan"),
        ("float", "-inf"), ("float", "1 "),
        ("boolean", "yes"), ("boolean", "tRUE"), ("boolean", ""), ("boolean", "on"),
    ],
)  # fmt: skip
def test_what_go_reads_nothing_in_is_refused_in_one_line(kind: str, text: str) -> None:
    """The error names the option, its type and the text; a long text is cut."""
    option = Option(type=kind)  # type: ignore[arg-type]
    told = refusal_of(lambda: value_of(option, text, "port"))
    assert told.startswith(f'option "port" expected {kind}, got "')
    assert "\n" not in told and len(told) < 200
    assert refusal_of(lambda: value_of(option, text)).startswith(f"expected {kind}, got ")


def test_setting_and_resetting_make_one_revision() -> None:
    """B4: as with the bucket, only what really changes counts"""
    first = changed(NONE, OPTIONS, {"port": "81", "motd": ""})
    assert first == ConfigRecord(application="web", revision=1, values={"port": "81", "motd": ""})
    second = changed(first, OPTIONS, {"debug": "True"}, ["motd"])
    assert (second.revision, second.values) == (2, {"port": "81", "debug": "true"})
    assert differing(first, second) == ["debug", "motd"]


def test_what_is_so_already_is_the_same_record() -> None:
    """B4"""
    record = changed(NONE, OPTIONS, {"port": "81"})
    assert changed(record, OPTIONS, {"port": "81"}, ["motd", "debug"]) is record
    assert changed(NONE, OPTIONS, {}) is NONE
    assert kept(record, OPTIONS, OPTIONS) is record


SPELLINGS = {
    "port": ["81", "+81", "081"],
    "ratio": ["2", "2.0", "+2", "2e0", "0x1p1", "2."],
    "debug": ["true", "1", "t", "T", "TRUE", "True"],
    "motd": ["x"],
    "token": ["secret:a"],
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_another_spelling_of_what_is_so_changes_nothing(name: str) -> None:
    """B4, P5: whichever was first, and however an earlier version kept it."""
    for first in SPELLINGS[name]:
        set_now = changed(NONE, OPTIONS, {name: first})
        assert set_now.values == {name: SPELLINGS[name][0]}
        kept_before = ConfigRecord(application="web", revision=7, values={name: first})
        for then in SPELLINGS[name]:
            assert changed(set_now, OPTIONS, {name: then}) is set_now
            assert changed(kept_before, OPTIONS, {name: then}) is kept_before


def test_texts_are_compared_as_they_are() -> None:
    """P5: what looks like a number is a text where the option is one."""
    record = changed(NONE, OPTIONS, {"motd": "1"})
    for text in ("01", "1.0", " 1", "true"):
        assert changed(record, OPTIONS, {"motd": text}).revision == record.revision + 1


@pytest.mark.parametrize("text", ["80", "+080"])
def test_a_default_that_is_set_is_set_and_nobody_is_told(text: str) -> None:
    """B4. A later charm may have another default; what an operator chose stays."""
    chosen = changed(NONE, OPTIONS, {"port": text})
    assert (chosen.values, chosen.revision) == ({"port": "80"}, NONE.revision)
    later = {**OPTIONS, "port": Option(type="int", default="90")}
    assert counting(later["port"], chosen.values["port"]) == 80
    back = changed(chosen, OPTIONS, {}, ["port"])
    assert (back.values, back.revision) == ({}, NONE.revision)


def test_a_reset_that_means_something_else_is_told() -> None:
    """B4: also of an option without a default."""
    record = changed(NONE, OPTIONS, {"port": "81", "ratio": "1"})
    for name in ("port", "ratio"):
        assert changed(record, OPTIONS, {}, [name]).revision == record.revision + 1
    assert changed(NONE, OPTIONS, {"motd": ""}).revision == NONE.revision + 1


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1))
def test_the_text_that_is_kept_means_what_was_said(value: float) -> None:
    """B4"""
    kind = "float" if isinstance(value, float) else "int"
    assert value_of(Option(type=kind), text_of(value)) == value  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["put", "reset"])
def test_an_unknown_option_is_refused_with_those_that_exist(how: str) -> None:
    """O2: the next step is in the error"""
    put, reset = ({"prot": "1"}, []) if how == "put" else ({}, ["prot"])
    told = refusal_of(lambda: changed(NONE, OPTIONS, put, reset))
    assert told == (
        'unknown option "prot": the options are "debug", "motd", "port", "ratio", "token"'
    )
    with pytest.raises(BadRequest, match="the charm has no options"):
        changed(NONE, {}, put, reset)


def test_one_wrong_value_changes_nothing_of_the_others() -> None:
    """G7"""
    with pytest.raises(BadRequest, match='option "port" expected int, got "x"'):
        changed(NONE, OPTIONS, {"motd": "hi", "port": "x"})
    with pytest.raises(BadRequest, match='"motd": either set it or reset it'):
        changed(NONE, OPTIONS, {"motd": "hi"}, ["motd"])


def test_a_configuration_holds_exactly_a_quarter_of_a_mebibyte() -> None:
    """B6: the error says the size and the limit"""
    full = changed(NONE, OPTIONS, {"motd": "é" * ((MAX_CONFIG - 4) // 2)})
    with pytest.raises(Refused, match=f"{MAX_CONFIG + 6} bytes, more than the limit of 262144"):
        changed(full, OPTIONS, {"port": "22"})


def test_values_of_options_that_are_gone_or_retyped_are_dropped() -> None:
    """The charm would read a text that was meant for something else."""
    record = changed(NONE, OPTIONS, {"port": "81", "ratio": "2", "motd": "x"})
    options = {"port": Option(type="int"), "ratio": Option(type="string")}
    left = kept(record, OPTIONS, options)
    assert (left.revision, left.values) == (2, {"port": "81"})


def test_a_long_list_of_names_is_cut() -> None:
    """Whatever an operator sends, one line stays one line."""
    told = listed(f"option\n{n:02}" + "x" * 500 for n in range(30))
    assert told.endswith(" and 10 more") and "\n" not in told and len(told) < 3000


def test_a_refused_text_is_shown_in_quotes_and_cut_when_it_is_long() -> None:
    """P5"""
    option = Option(type="int")
    assert refusal_of(lambda: value_of(option, 'a "é"')) == 'expected int, got "a \\"é\\""'
    whole, long = "x" * 100, "x" * 101
    assert refusal_of(lambda: value_of(option, whole)).endswith(f'got "{whole}"')
    said = refusal_of(lambda: value_of(option, long, "port"))
    assert said == f'option "port" expected int, got "{"x" * 99}…"'


def test_a_list_of_just_so_many_names_is_whole_and_any_letter_is_shown_as_it_is() -> None:
    """P5"""
    names = [f"é{n:02}" for n in range(20)]
    assert listed(names) == ", ".join(f'"{name}"' for name in names)
    assert listed([*names, "ö"]).endswith('"é19" and 1 more')


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (5, "5"), (5.0, "5"), (0.5, "0.5")]
)
def test_there_is_one_text_for_what_can_be_said_in_many(value: bool | float, text: str) -> None:
    """B4, P5"""
    assert text_of(value) == text
