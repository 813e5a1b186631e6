"""gnuflag's parsing and its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.agent.tools.flags import (
    FORMAT_FLAGS,
    Arguments,
    Flag,
    HelpWanted,
    WrongArguments,
    error,
    parse,
)
from tests.support.steady import steady

FLAGS = (*FORMAT_FLAGS, Flag(names=("application",), does="", kind="bool"))


def wrong(*args: str) -> str:
    with pytest.raises(WrongArguments) as caught:
        parse(FLAGS, args)
    return str(caught.value)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--x"], "option provided but not defined: -x"),
        (["-xy"], "option provided but not defined: -x"),
        (["--strict=1"], "option provided but not defined: --strict"),
        (["-é"], "option provided but not defined: --é"),
        (["---"], "option provided but not defined: --"),
        (["--format"], "option needs an argument: --format"),
        (["-o"], "option needs an argument: -o"),
        (["--format", "X"], 'invalid value "X" for option --format: unknown format "X"'),
        (["--format="], 'invalid value "" for option --format: unknown format ""'),
        (["--=x"], 'empty option in argument "--=x"'),
        (
            ["--application=si"],
            'invalid value "si" for option --application: '
            'strconv.ParseBool: parsing "si": invalid syntax',
        ),
    ],
)
def test_a_wrong_flag_is_named_in_gnuflags_words(args: list[str], words: str) -> None:
    """T0"""
    assert wrong(*args) == words


def test_an_error_is_one_line_whatever_it_repeats() -> None:
    """T2"""
    reply = error(wrong("--a\nERROR b"), 2)
    assert reply.stderr == b"ERROR option provided but not defined: --a\\nERROR b\n"


@pytest.mark.parametrize("word", ["1", "t", "T", "TRUE", "true", "True"])
def test_words_for_true(word: str) -> None:
    """T0"""
    assert parse(FLAGS, (f"--application={word}",)).on("application")


@pytest.mark.parametrize("word", ["0", "f", "F", "FALSE", "false", "False"])
def test_words_for_false(word: str) -> None:
    """T0"""
    assert not parse(FLAGS, ("--application", f"--application={word}")).on("application")


def test_a_bool_takes_no_following_value() -> None:
    """T1"""
    parsed = parse(FLAGS, ("--application", "False"))
    assert (parsed.on("application"), parsed.rest) == (True, ("False",))


def test_a_short_flag_keeps_the_equals_sign_of_its_value() -> None:
    """T0"""
    assert parse(FLAGS, ("-o=x",)).text("output") == "=x"


def test_the_last_of_two_wins_under_any_name() -> None:
    """T0"""
    assert parse(FLAGS, ("-o", "a", "--output=b")).text("output") == "b"


def test_a_value_may_look_like_a_flag() -> None:
    """T0"""
    assert parse(FLAGS, ("-o", "--", "x")) == Arguments(
        {"format": "smart", "output": "--", "application": "false"}, ("x",)
    )


def test_help_before_a_fault_wins_and_a_fault_before_help_too() -> None:
    """T1"""
    with pytest.raises(HelpWanted):
        parse(FLAGS, ("--help", "--x"))
    assert wrong("--x", "--help") == "option provided but not defined: -x"
    assert parse(FLAGS, ("--", "--help")).rest == ("--help",)


PLAIN = st.lists(st.text(min_size=0).filter(lambda arg: arg == "-" or not arg.startswith("-")))


@steady
@given(PLAIN, PLAIN, PLAIN, st.lists(st.text()))
def test_flags_stand_anywhere_before_two_dashes(
    first: list[str], second: list[str], third: list[str], literal: list[str]
) -> None:
    """T1"""
    args = [*first, "--format=json", *second, "-o", "file", *third, "--", *literal]
    parsed = parse(FLAGS, tuple(args))
    assert parsed.rest == (*first, *second, *third, *literal)
    assert (parsed.text("format"), parsed.text("output")) == ("json", "file")


TO_RELATION = (Flag(names=("r", "relation"), does="", kind="relation"),)


@pytest.mark.parametrize(
    ("args", "number"),
    [
        ([], ""),
        (["-r", "0"], "0"),
        (["-r0"], "0"),
        (["--relation", "peers:12"], "12"),
        (["--relation=a:b:12"], "12"),
        (["-r", "+0012"], "12"),
        (["-r", "0", "-r", "12"], "12"),
    ],
)
def test_a_relation_is_named_by_its_number_with_or_without_its_endpoint(
    args: list[str], number: str
) -> None:
    """T1"""
    assert parse(TO_RELATION, tuple(args), lambda: {0, 12}).text("relation") == number


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("x", "invalid relation id"),
        ("", "invalid relation id"),
        ("12:", "invalid relation id"),
        ("0x0", "invalid relation id"),
        ("1_2", "invalid relation id"),
        ("\u0660", "invalid relation id"),
        ("9" * 9000, "invalid relation id"),
        ("7", "relation not found"),
        ("-1", "relation not found"),
    ],
)
def test_what_is_no_relation_of_the_unit_is_wrong(value: str, reason: str) -> None:
    """T0"""
    with pytest.raises(WrongArguments) as caught:
        parse(TO_RELATION, (f"--relation={value}",), lambda: {0, 12})
    assert str(caught.value) == f'invalid value "{value}" for option --relation: {reason}'


def test_relations_are_looked_up_only_when_one_is_named() -> None:
    """T0"""
    asked = []
    parse(TO_RELATION, ("a",), lambda: asked.append(1) or ())
    assert asked == []
