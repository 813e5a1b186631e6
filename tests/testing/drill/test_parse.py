"""All that is wrong with a drill is found before anything of it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.testing.drill.commands import COMMANDS
from tenure.testing.drill.parse import MAX_SIZE, Known, files_below, parse_file, parse_line
from tenure.testing.drill.subjects import SUBJECTS

from .conftest import Files, Wrong

HALT = "halt web/1 start is-leader"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("cutoff web/1", 'no command "cutoff": did you mean "cut-off"?'),
        ("xyzzy", 'no command "xyzzy": see `tenure drill --help`'),
        ("deploy", "CHARM is missing: deploy CHARM [APP] [units=N]"),
        ("deploy job web units=x", "'x' is no number from 0 to 1000"),
        ("deploy job web units=1 units=2", "units is given twice"),
        ("deploy job web lease=60", "'60' has no unit: write 60s, 60m or 60h"),
        ("deploy job Web!", "'Web!' is not an application name"),
        ("deploy job web config=a", "'a' is not like KEY=VALUE"),
        ("deploy 'job", "the quote before 'job' is not closed"),
        ("elect", "UNIT is missing: elect UNIT [--no-wait]"),
        ("elect web", "'web' is not a unit name: a unit is named like \"web/0\""),
        ("elect web/1 --nowait", "no option '--nowait': did you mean \"--no-wait\"?"),
        ("elect web/1 web/2", "'web/2' is a word too many: elect UNIT [--no-wait]"),
        ("step-down web/1", "'web/1' is a unit: name its application, web"),
        ("pass 5", "'5' has no unit: write 5s, 5m or 5h"),
        ("pass -5s", "'-5s' is not a duration"),
        ("exec web/0", "WORD is missing: exec UNIT WORD..."),
        ("sh", "WORD is missing"),
        ("controller stop", "'stop' is none of kill, start"),
        ("config web a", "'a' is not like KEY=VALUE"),
        ("halt web/1 start is-leader afterr", 'did you mean "after"?'),
        ("reached", "no line before asks for a halt without a name: write halt UNIT HOOK TOOL"),
        ("go-on one", 'no line before asks for a halt "one"'),
        ("expect", "the subject is missing: one of leader, term,"),
        ("expect lader web = x", 'no subject "lader": did you mean "leader"?'),
        ("expect leader web is x", 'after "leader APP" comes one of = != ~ !~ starts ends'),
        ("expect leader web", 'after "leader APP" comes one of'),
        ("expect leader = x", "wrong number of words before '=': leader APP"),
        ("expect leader web x = y", "wrong number of words before '=': leader APP"),
        ("expect leader web =", 'the value is missing: write "" for nothing'),
        ("expect leader web/0 = x", "'web/0' is a unit: name its application, web"),
        ("expect call web/1 t args2 = x", 'did you mean "args"?'),
        ("! expect leader web = x", "! wants a refusal, and expect refuses nothing"),
        ("!", "a command is missing after !"),
        ("until leader web = x within=3", "'3' has no unit"),
        ("get", "the subject is missing"),
        ("let x", "write it like let NAME = SUBJECT"),
        ("let 9 = leader web", "'9' is no name: use letters, digits and _"),
        ("elect $x", 'no line before says "let x = ...": for a $ as it is, write'),
    ],
)
def test_a_wrong_line_is_named_with_its_reason(wrong: Wrong, line: str, why: str) -> None:
    [fault] = wrong("# one", line, "settle")
    assert (fault.number, "\n" in str(fault)) == (2, False)
    assert why in fault.why


def test_all_wrong_lines_are_found_and_told_with_the_file(wrong: Wrong, tmp_path: Path) -> None:
    faults = wrong("settle", "cutoff web/1", "", "elect web")
    assert [str(each).partition(": ")[0] for each in faults] == [
        f"{tmp_path}/a.drill:2",
        f"{tmp_path}/a.drill:4",
    ]


def test_a_name_that_was_nearly_right_is_suggested(wrong: Wrong) -> None:
    [value] = wrong("let secret = leader web", "elect $secrets")
    assert value.why.endswith('did you mean "secret"?')
    [halt] = wrong("halt first: web/1 start is-leader", "reached frist")
    assert halt.why.endswith('did you mean "first"?')


def test_a_drill_that_says_nothing_is_wrong(wrong: Wrong) -> None:
    [fault] = wrong("# nothing", "")
    assert (fault.number, fault.why) == (0, "it has no command")


def test_a_file_that_cannot_be_read_is_one_line(file: Files, tmp_path: Path) -> None:
    path = file("settle")
    path.write_bytes(b"settle\nelect \xff\n")
    [fault] = parse_file(str(path))[1]
    assert (fault.number, fault.why) == (2, "it is not text in UTF-8")
    path.write_bytes(b"#" * (MAX_SIZE + 1))
    [fault] = parse_file(str(path))[1]
    assert "is larger than" in fault.why
    [fault] = parse_file(str(tmp_path / "nowhere.drill"))[1]
    assert fault.why == "no such file or directory"


def test_lines_may_end_as_on_windows_and_begin_with_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.drill"
    path.write_bytes(b"\xef\xbb\xbfsettle\r\npass 5s\r\n")
    drill, faults = parse_file(str(path))
    assert drill is not None and not faults
    assert [(line.number, line.said) for line in drill.lines] == [(1, "settle"), (2, "pass 5s")]


def test_what_is_not_known_yet_is_checked_when_it_runs() -> None:
    known = Known()
    parse_line("let who = leader web", 1, known)
    assert parse_line("elect $who --no-wait", 2, known) is not None


def test_drills_below_a_folder_are_found_in_order_and_hidden_ones_are_not(file: Files) -> None:
    for name in ("b.drill", "x/a.drill", ".git/c.drill", "x/.venv/d.drill", "e.txt"):
        file("settle", name=name)
    top = file("settle").parent
    assert [str(Path(each).relative_to(top)) for each in files_below(str(top))] == [
        "a.drill",
        "b.drill",
        "x/a.drill",
    ]


def test_no_command_and_no_subject_is_named_like_another_thing() -> None:
    """A usage begins with the name that the table has"""
    for table in (COMMANDS, SUBJECTS):
        for name, (usage, _) in table.items():
            assert usage.said.split()[0] == name
