"""`tenure run`: what it asks of an agent, and its whole stdout, stderr and exit code."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from tenure.jujuyaml.reader import read
from tenure.statefolder import StateFolder
from tenure.wire.exec import ActionDone, ActionEnded, Committed, Logged, Refusal
from tenure.wire.operators import ControllerStatus, Status, UnitStatus
from tests.cli.commands.test_commands import application
from tests.cli.conftest import Agents, Desk, Result, call, python
from tests.support.patience import HANG, ending

DONE = ActionEnded(action=ActionDone(id="1", status="completed"))


def asked_for(params: object, leader: bool = False) -> list[object]:
    """What the agent heard, as it came over the wire."""
    return [
        {"type": "RunAction", "version": 2, "name": "backup", "params": params, "leader": leader}
    ]


def knows(desk: Desk, leader: str | None) -> None:
    web = application(leader, units={"web/0": UnitStatus(leader=True, agent="connected")})
    controller = ControllerStatus(pid=1, version="1", seat=1, started="", store="/s")
    desk.controller.knows(Status(controller=controller, applications={"web": web}))


def test_results_are_yaml_on_stdout_and_logs_come_on_stderr(desk: Desk, agent: Agents) -> None:
    results = {"size": "5", "file": {"path": "/b", "name": "é"}}
    asked = agent(
        Logged(text="begun\x1b[1m\nstill"),
        Logged(text="done"),
        ActionEnded(action=ActionDone(id="7", status="completed", results=results)),
    )
    assert desk.call("run", "web/0", "backup", "to=disk") == Result(
        0, 'file:\n  name: é\n  path: /b\nsize: "5"\n', "begun\\x1b[1m\nstill\ndone\n"
    )
    assert asked.asked == asked_for({"to": "disk"})


@pytest.mark.parametrize(
    ("results", "out"),
    [
        ({"return-code": 0, "stdout": "Hello\n", "stderr": "a warning\n\n"}, "Hello\na warning\n"),
        ({"return-code": 0, "size": "12", "stdout": "Hello\n"}, 'size: "12"\n\nHello\n'),
        ({"return-code": 0, "id": "01182252", "at": "1e3"}, "at: 1e3\nid: 01182252\n"),
        ({"return-code": 0, "stdout": "a\tb \u202e"}, "a\tb \u202e\n"),
        ({"return-code": 0}, ""),
    ],
)
def test_what_an_action_printed_follows_its_results(
    desk: Desk, agent: Agents, results: dict[str, object], out: str
) -> None:
    """O6: as `juju run` prints it."""
    agent(ActionEnded(action=ActionDone(id="1", status="completed", results=results)))
    assert desk.call("run", "web/0", "backup") == Result(0, out, "")


def test_what_was_cut_is_said(desk: Desk, agent: Agents) -> None:
    """O6"""
    done = ActionDone(id="1", status="completed", results={"stdout": "x"}, cut={"stdout": 70000})
    agent(ActionEnded(action=done))
    assert desk.call("run", "web/0", "backup") == Result(
        0, "x\n", "the action wrote 70000 bytes to stdout, and only the first of them are here: "
        "`tenure log web/0` has them all\n",
    )  # fmt: skip


def test_what_is_shown_in_base64_is_said(desk: Desk, agent: Agents) -> None:
    """O6"""
    results = {"stdout": "/w==", "stdout-encoding": "base64", "stderr": "plain"}
    agent(ActionEnded(action=ActionDone(id="1", status="completed", results=results)))
    said = "the action wrote to stdout what is not UTF-8: it is shown in base64\n"
    assert desk.call("run", "web/0", "backup") == Result(0, "/w==\nplain\n", said)


def test_as_yaml_it_is_what_json_says(desk: Desk, agent: Agents) -> None:
    """O6"""
    done = ActionDone(id="7", status="completed", results={"stdout": "a\nb\n", "return-code": 0})
    agent(ActionEnded(action=done))
    answer = desk.call("run", "web/0", "backup", "--format", "yaml")
    assert read(answer.out) == {**msgspec.to_builtins(done), "cut": {}}


def test_texts_may_be_taken_as_they_are(desk: Desk, agent: Agents) -> None:
    """As `juju run --string-args` has it."""
    asked = agent(DONE)
    assert desk.call("run", "web/0", "backup", "a=1", "--string-args", "b.c=y").code == 0
    assert asked.asked == asked_for({"a": "1", "b": {"c": "y"}})


def test_an_action_without_results_prints_nothing(desk: Desk, agent: Agents) -> None:
    agent(DONE)
    assert desk.call("run", "web/0", "backup") == Result(0, "", "")


def test_as_json_the_whole_outcome_is_printed(desk: Desk, agent: Agents) -> None:
    """O6"""
    outcome = {
        "id": "7",
        "status": "failed",
        "message": "no",
        "results": {"a": "b"},
        "exit": 3,
        "cut": {},
    }
    agent({"type": "ActionEnded", "action": outcome})
    done = desk.call("run", "web/0", "backup", "--format", "json")
    assert (done.code, msgspec.json.decode(done.out)) == (1, {**outcome, "cut": {}})
    assert done.err == "ERROR the action backup failed on web/0: no\n"


def test_a_failed_action_without_a_reason_is_told_with_its_exit_code(
    desk: Desk, agent: Agents
) -> None:
    agent(ActionEnded(action=ActionDone(id="1", status="failed", exit=3)))
    assert desk.call("run", "web/0", "backup") == Result(
        1, "", "ERROR the action backup failed on web/0: exit status 3\n"
    )


def test_the_leader_is_found_and_the_agent_is_told_that_it_must_lead(
    desk: Desk, agent: Agents
) -> None:
    knows(desk, "web/0")
    asked = agent(DONE)
    assert desk.call("run", "web/leader", "backup").code == 0
    assert asked.asked == asked_for({}, leader=True)


def test_when_nobody_leads_it_says_where_to_read_why(desk: Desk) -> None:
    knows(desk, None)
    assert desk.call("run", "web/leader", "backup") == Result(
        1, "", "ERROR nobody leads web now: see `tenure why web`\n"
    )
    assert desk.call("run", "shop/leader", "backup") == Result(
        1, "", 'ERROR there is no application "shop": see `tenure status`\n'
    )


def test_a_unit_that_does_not_exist_is_not_waited_for(desk: Desk) -> None:
    knows(desk, "web/0")
    assert desk.call("run", "web/7", "backup") == Result(
        1, "", "ERROR there is no unit web/7: see `tenure status`\n"
    )


def test_a_unit_whose_agent_is_not_there_was_asked_nothing(desk: Desk) -> None:
    knows(desk, "web/0")
    assert desk.call("run", "web/0", "backup", "--wait", "100ms") == Result(
        3,
        "",
        "ERROR the agent of web/0 is not there (No such file or directory): see `tenure status`\n",
    )


@pytest.mark.parametrize("command", [["run", "web/0", "backup"], ["exec", "web/0", "--", "true"]])
def test_nobody_waits_for_an_agent_where_no_up_runs(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """T8"""
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits"))
    name, *rest = command
    done = call(name, "--state", str(folder.state), *rest)
    assert done.code == (3 if name == "run" else 125)
    assert done.err.startswith("ERROR no controller reachable at ")
    assert done.err.endswith(": start one with `tenure up CHARM`\n")


def test_what_the_agent_refuses_is_one_line(desk: Desk, agent: Agents) -> None:
    agent(Refusal(error="it has no action\nbackup"))
    assert desk.call("run", "web/0", "backup") == Result(
        1, "", "ERROR web/0: it has no action backup\n"
    )


def test_an_agent_that_goes_away_leaves_the_outcome_unknown(desk: Desk, agent: Agents) -> None:
    """G7"""
    agent(Logged(text="begun"))
    assert desk.call("run", "web/0", "backup") == Result(
        4,
        "",
        "begun\nERROR the agent of web/0 went away before the action ended: it may or may not have "
        "run: see `tenure log web/0`\n",
    )


def test_an_action_that_takes_too_long_may_still_run(desk: Desk, agent: Agents) -> None:
    """G7"""
    agent(None)
    assert desk.call("run", "web/0", "backup", "--wait", "200ms") == Result(
        4,
        "",
        "ERROR web/0 has not ended the action in 0.2s: it may still come to run, or run: "
        "see `tenure log web/0`, and wait longer with --wait\n",
    )


@pytest.mark.parametrize(
    "line",
    [
        b"junk\n", b"[]\n", b"{}\n", b"\xff\n", b'{"type":"Unheard"}\n',
        b'{"type":"ActionEnded","action":{"id":1}}\n',
        b'{"error":"the agent is of another version of Tenure"}\n',
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_one_line(desk: Desk, agent: Agents, line: bytes) -> None:
    agent(line)
    done = desk.call("run", "web/0", "backup")
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err == (
        "ERROR web/0: its agent says what this version of Tenure does not understand: "
        "`tenure down`, and `tenure up` again\n"
    )


def test_an_answer_to_something_else_is_one_line(desk: Desk, agent: Agents) -> None:
    agent(Committed())
    assert desk.call("run", "web/0", "backup") == Result(
        1, "", "ERROR web/0: its agent answered with Committed, which was not asked for\n"
    )


@pytest.mark.parametrize(
    ("words", "params"),
    [
        (["a=1", "b=1.5", "c=true", "d=", "e=x=y", "f=~"],
         {"a": 1, "b": 1.5, "c": True, "d": "", "e": "x=y", "f": None}),
        (["a.b=1", "a.c.d='1'"], {"a": {"b": 1, "c": {"d": "1"}}}),
        (["a=0o17", "b=1e+3", "c==", "d=<<", "e=1e3", "f=01182252", "g=y", "h=5."],
         {"a": 15, "b": 1000.0, "c": "=", "d": "<<", "e": "1e3", "f": "01182252", "g": True,
          "h": "5."}),
        (["at=10:30", "on=2026-11-23", "l=[1, x]"],
         {"at": "10:30", "on": "2026-11-23", "l": [1, "x"]}),
    ],
)  # fmt: skip
def test_values_are_yaml_and_dots_nest(
    desk: Desk, agent: Agents, words: list[str], params: object
) -> None:
    asked = agent(DONE)
    assert desk.call("run", "web/0", "backup", *words) == Result(0, "", "")
    assert asked.asked == asked_for(params)


def test_words_override_the_file_of_parameters(desk: Desk, agent: Agents, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("to: disk\nwith: {a: 1, b: 2}\n")
    asked = agent(DONE)
    assert desk.call("run", "web/0", "backup", "--params", str(file), "with.b=3", "x=z").code == 0
    assert asked.asked == asked_for({"to": "disk", "with": {"a": 1, "b": 3}, "x": "z"})


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["nonsense"], "'nonsense' is not KEY=VALUE: see `tenure run --help`"),
        (["=x"], "'=x' is not KEY=VALUE: see `tenure run --help`"),
        (["a=1", "a=2"], "'a' is given twice: see `tenure run --help`"),
        (["a=1", "a.b=2"],
         "'a.b' goes below 'a', which has a value already: see `tenure run --help`"),
        (["a..b=2"], "'a..b' is no key: write it like a.b: see `tenure run --help`"),
        (["a=[1"], "the value of a is not taken: did not find expected ',' or ']': "
         "write it as YAML, in quotes if need be"),
        ([f"a={'9' * 5000}"], "the value of a is not taken: a number is longer than 400 "
         "characters: write it as YAML, in quotes if need be"),
        (["a=.nan"], "the value of a is not taken: JSON has no such number: "
         "write it as YAML, in quotes if need be"),
        (["--wait", "60"], "'60' has no unit: write 60s, 60m or 60h: see `tenure run --help`"),
        (["--wait", "0s"], "--wait is over at once: say more than 0s: see `tenure run --help`"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_one_line_and_nobody_is_asked(
    desk: Desk, args: list[str], error: str
) -> None:
    done = desk.call("run", "web/0", "backup", *args)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("ERROR ") and done.err.endswith(f"{error}\n")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "code", "error"),
    [
        (None, 1, "cannot read the parameters from {file!r}: no such file or directory"),
        (b"\xff", 1, "cannot take the parameters from {file!r}: it is not text in UTF-8"),
        (b"x" * 262145, 1,
         "cannot take the parameters from {file!r}: it is larger than 262144 bytes"),
        (b"a: 1\nb: " + b"9" * 5000, 2, "the value of {file!r} is not taken (line 2): a number is "
         "longer than 400 characters: "
         "write it as YAML, in quotes if need be"),
        (b"- a\n", 2, "{file!r} holds no parameters: write a mapping, like `key: value`"),
        (b"[" * 5000, 2, "the value of {file!r} is not taken: exceeded maximum nesting depth: "
         "write it as YAML, in quotes if need be"),
    ],
)  # fmt: skip
def test_a_file_of_parameters_that_is_none_is_one_line(
    desk: Desk, tmp_path: Path, content: bytes | None, code: int, error: str
) -> None:
    file = tmp_path / "p.yaml"
    if content is not None:
        file.write_bytes(content)
    done = desk.call("run", "web/0", "backup", "--params", str(file))
    assert done == Result(code, "", f"ERROR {error.format(file=str(file))}\n")


def test_parameters_that_are_too_large_are_refused_before_anybody_is_asked(desk: Desk) -> None:
    done = desk.call("run", "web/0", "backup", f"a={'x' * 262144}")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("ERROR the parameters are too large: 262")


@pytest.mark.parametrize("target", ["web", "web/x", "/leader", "Web/leader", "web/0/leader"])
def test_a_target_that_is_none_is_one_line(target: str) -> None:
    done = call("run", "--state", "/nowhere", target, "backup")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("ERROR invalid value for 'UNIT|APP/leader': ")


def test_ctrl_c_ends_the_wait_and_says_that_the_action_goes_on(desk: Desk, agent: Agents) -> None:
    """G7"""
    agent(Logged(text="begun"), None)
    argv = [*python(), "run", "--state", str(desk.folder.state), "web/0", "backup"]
    with ending(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"begun\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=HANG)
    assert (process.returncode, out, err) == (
        130,
        b"",
        b"ERROR nobody waits for the action on web/0 any more, and it goes on, or runs when its "
        b"turn comes: `tenure log web/0` has what it logs, and how it ends\n",
    )


@pytest.mark.parametrize(
    ("wants_text", "words", "hint"),
    [
        ("to", ["to=1"], """: in quotes it is a text: to="'1'\""""),
        ("a.b", ["x=1", "a.b=yes"], """: in quotes it is a text: a.b="'yes'\""""),
        ("to", [f"to=[{'1, ' * 30}]"], """: in quotes it is a text: to="'...'\""""),
        ("", ["to=x"], ""),
        ("from", ["to=1"], ""),
    ],
)
def test_a_text_that_yaml_takes_for_something_else_is_shown_in_quotes(
    desk: Desk, agent: Agents, wants_text: str, words: list[str], hint: str
) -> None:
    """By the parameter that the agent names, whatever its words are"""
    agent(Refusal(error='parameter "to" must be string, not 1', wants_text=wants_text))
    assert desk.call("run", "web/0", "backup", *words) == Result(
        1, "", f'ERROR web/0: parameter "to" must be string, not 1{hint}\n'
    )
