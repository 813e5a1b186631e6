"""What was probably meant."""

from __future__ import annotations

import re

import pytest

from tenure.cli.group import COMMANDS
from tenure.cli.words import juju
from tests.cli.conftest import Result, call


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["statsu"], "no such command 'statsu': did you mean `tenure status`?"),
        (["remove-units", "web/0"], "did you mean `tenure remove-unit`?"),
        (["debug-log"], "no such command 'debug-log': that is Juju's; here: `tenure log`"),
        (["resolved", "web/0"], "here: `tenure resolve`"),
        (["show-unit", "web/0"], "here: `tenure status UNIT`, `tenure why UNIT`"),
        (["showunit"], "here: `tenure status UNIT`"),
        (["xyzzy"], "no such command 'xyzzy': see"),
        (["--state", "/x", "status"], "options stand after the command"),
        (["log", "--tail"], "no such option '--tail': that is Juju's; here: `tenure log -f`"),
        (["log", "--lins", "3"], "did you mean `--lines`?"),
        (["status", "--wath"], "--watch is Juju's; here: `tenure log -f`, `tenure wait`"),
        (["deploy", "x", "--num-unit=3"], "--num-units is Juju's; here: `-n N`"),
        (["deploy", "x", "--num-units=3"], "`--units N` of `deploy`"),
        (["exec", "--unit", "web/0", "--", "true"], "the unit is a word of its own"),
        (["scale", "web", "-1"], "no number here is below 0"),
        (["history", "web", "--xyzzy"], "no such option '--xyzzy': see `tenure history --help`"),
    ],
)
def test_an_unknown_word_suggests_the_right_one(args: list[str], said: str) -> None:
    done = call(*args)
    assert (done.code, done.out) == (125 if args[0] == "exec" else 2, "")
    assert said in done.err and done.err.count("\n") == 1


def test_the_bare_command_prints_its_help() -> None:
    done = call()
    assert done == call("--help")
    assert done.code == 0 and "Commands:" in done.out


def test_what_is_said_of_juju_s_words_exists() -> None:
    for said in (*juju.COMMANDS.values(), *juju.OPTIONS.values()):
        for name in re.findall(r"`tenure ([a-z][a-z-]*)", said):
            assert name in COMMANDS


def test_no_word_of_ours_is_taken_for_juju_s() -> None:
    assert not juju.COMMANDS.keys() & COMMANDS.keys()


def test_a_command_is_suggested_at_no_cost_to_those_that_are_right() -> None:
    assert call("status", "--help") != Result(0, "", "")
