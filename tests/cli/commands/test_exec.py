"""How `tenure exec` ends: what its command left pending is kept, or somebody is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tenure.agent.host.jujupaths import why_not
from tenure.statefolder import HouseRecord
from tests.cli.conftest import Agents, Desk, python

LOST = b"ERROR what the command set on web/0 may be lost: %s: see `tenure log web/0`\n"


def run(desk: Desk, program: str) -> subprocess.CompletedProcess[bytes]:
    """In a process of its own, as it blocks signals."""
    argv = [*python(), "exec", "--state", str(desk.house.state), "web/0", "--", "sh", "-c", program]
    return subprocess.run(argv, capture_output=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("program", "answers", "code", "err"),
    [
        ("echo hi", [..., {"failed": ""}], 0, b""),
        ("echo hi", [..., {"failed": "not the leader"}], 125, LOST % b"not the leader"),
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
    world = {"env": {"PATH": "/bin:/usr/bin"}, "cwd": str(tmp_path), "context": "c"}
    asked = agent(world, *answers)
    done = run(desk, program)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"hi\n", err)
    assert asked.asked == [{"version": 1}, {"exit": code if err == b"" else 0}]


def test_a_command_sees_the_folders_of_juju_if_hooks_do(
    desk: Desk, agent: Agents, tmp_path: Path
) -> None:
    """H9: or says why it cannot"""
    desk.house.write(HouseRecord(model_uuid="u", juju_version="2.9.50", juju_paths=True))
    agent({"env": {"PATH": "/bin:/usr/bin"}, "cwd": str(tmp_path), "context": "c"}, ..., {})
    jujud = "/var/lib/juju/tools/machine-0/jujud"
    refusal = why_not()
    for command in (
        (jujud, "version"),
        ("sh", "-c", "/var/lib/juju/tools/machine-*/jujud version"),
    ):
        argv = [*python(), "exec", "--state", str(desk.house.state), "web/0", "--", *command]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
        if refusal is None:
            assert done.stdout.startswith("2.9.50-ubuntu-")
            assert (done.returncode, done.stderr) == (0, "")
        else:
            told = f"ERROR the command would not see the paths that hooks see: {refusal}\n"
            assert (done.returncode, done.stdout, done.stderr) == (125, "", told)
    assert not Path(jujud).exists()
