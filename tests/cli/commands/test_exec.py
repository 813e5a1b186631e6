"""How `tenure exec` ends: what its command left pending is kept, or somebody is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tenure.agent.host.jujupaths import why_not
from tenure.uprecord import UpRecord
from tenure.wire.exec import Committed, ContextOpened, Logged, Refusal
from tests.cli.commands.test_run import knows
from tests.cli.conftest import Agents, Desk, python
from tests.support.patience import HANG

LOST = b"ERROR what the command set on web/0 may be lost: %s: see `tenure log web/0`\n"


def opened(cwd: Path) -> ContextOpened:
    """A context to run commands in."""
    return ContextOpened(env={"PATH": "/bin:/usr/bin"}, cwd=str(cwd), context="c")


def run(
    desk: Desk, program: str, unit: str = "web/0", *options: str
) -> subprocess.CompletedProcess[bytes]:
    """In a process of its own, as it blocks signals."""
    argv = [
        *python(),
        "exec",
        "--state",
        str(desk.folder.state),
        unit,
        *options,
        "--",
        "sh",
        "-c",
        program,
    ]
    return subprocess.run(argv, capture_output=True, timeout=HANG, check=False)


@pytest.mark.parametrize(
    ("program", "answers", "code", "err"),
    [
        ("echo hi", [..., Committed()], 0, b""),
        ("echo hi", [..., Committed(failed="not the leader")], 125, LOST % b"not the leader"),
        ("echo hi", [..., Refusal(error="no")], 125, LOST % b"no"),
        ("echo hi", [..., Logged(text="hi")], 125,
         LOST % b"the agent did not say whether it is kept "
         b"(its agent answered with Logged, which was not asked for)"),
        ("echo hi", [...], 125,
         LOST % b"the agent did not say whether it is kept (it closed the connection)"),
        ("echo hi; exit 3", [...], 3, b""),
        ("echo hi; kill -9 $$", [...], 137, b""),
    ],
)  # fmt: skip
def test_the_agent_is_told_how_the_command_ended_and_says_what_came_of_it(
    desk: Desk,
    agent: Agents,
    tmp_path: Path,
    program: str,
    answers: list[object],
    code: int,
    err: bytes,
) -> None:
    asked = agent(opened(tmp_path), *answers)
    done = run(desk, program)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"hi\n", err)
    assert asked.asked == [
        {"type": "OpenContext", "version": 2},
        {"type": "CommandEnded", "exit": code if err == b"" else 0},
    ]


@pytest.mark.parametrize(
    ("answer", "err"),
    [
        (Refusal(error="it steps down"), b"ERROR web/0: it steps down\n"),
        (Committed(), b"ERROR web/0: its agent answered with Committed, which was not asked for\n"),
        ({"error": "the agent is of another version of Tenure"},
         b"ERROR web/0: its agent says what this version of Tenure does not understand: "
         b"`tenure down`, and `tenure up` again\n"),
    ],
)  # fmt: skip
def test_without_a_context_nothing_is_started_and_one_line_says_why(
    desk: Desk, agent: Agents, answer: object, err: bytes
) -> None:
    agent(answer)
    done = run(desk, "echo hi")
    assert (done.returncode, done.stdout, done.stderr) == (125, b"", err)


def test_a_command_sees_the_folders_of_juju_if_hooks_do(
    desk: Desk, agent: Agents, tmp_path: Path
) -> None:
    """H9: or says why it cannot"""
    desk.folder.write(UpRecord(model_uuid="u", juju_version="2.9.50", juju_paths=True))
    agent(opened(tmp_path), ..., Committed())
    jujud = "/var/lib/juju/tools/machine-0/jujud"
    refusal = why_not()
    for command in (
        (jujud, "version"),
        ("sh", "-c", "/var/lib/juju/tools/machine-*/jujud version"),
    ):
        argv = [*python(), "exec", "--state", str(desk.folder.state), "web/0", "--", *command]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=HANG, check=False)
        if refusal is None:
            assert done.stdout.startswith("2.9.50-ubuntu-")
            assert (done.returncode, done.stderr) == (0, "")
        else:
            told = f"ERROR the command would not see the paths that hooks see: {refusal}\n"
            assert (done.returncode, done.stdout, done.stderr) == (125, "", told)
    assert not Path(jujud).exists()


def test_the_leader_is_found(desk: Desk, agent: Agents, tmp_path: Path) -> None:
    """As `tenure run` finds it."""
    knows(desk, "web/0")
    agent(opened(tmp_path), ..., Committed())
    done = run(desk, "echo hi", "web/leader")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hi\n", b"")


def test_when_nobody_leads_nothing_is_run(desk: Desk) -> None:
    """O5: it says where to read why."""
    knows(desk, None)
    done = run(desk, "echo hi", "web/leader")
    assert (done.returncode, done.stdout) == (125, b"")
    assert done.stderr == b"ERROR nobody leads web now: see `tenure why web`\n"


def test_a_command_is_ended_when_the_wait_is_over(
    desk: Desk, agent: Agents, tmp_path: Path
) -> None:
    """Its exit code is `timeout`'s, and what it left pending is dropped."""
    agent(opened(tmp_path), ...)
    done = run(desk, "exec sleep 60", "web/0", "--wait", "300ms")
    assert (done.returncode, done.stdout) == (124, b"")
    assert done.stderr == (
        b"ERROR the command was ended: --wait was over: what it set and left pending is dropped\n"
    )


def test_the_wait_bounds_the_wait_for_a_hook_that_runs(desk: Desk, agent: Agents) -> None:
    """Nothing was started."""
    agent(None)
    done = run(desk, "echo hi", "web/0", "--wait", "200ms")
    assert (done.returncode, done.stdout) == (125, b"")
    assert done.stderr == (
        b"ERROR web/0 did not answer within 0.2s: see `tenure why web/0`, and try again\n"
    )
