"""A charm for drills, and drills run in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tenure.testing.drill.faults import LineFault
from tenure.testing.drill.parse import parse_file
from tenure.testing.drill.runner import Failure, Task, run_task

METADATA = "name: job\nsummary: s\ndescription: d\npeers: {peers: {interface: job}}\n"
CONFIG = "options: {colour: {type: string, default: red}, size: {type: int, default: 1}}\n"
ACTIONS = "greet: {params: {whom: {type: string}}}\nbreak: {}\n"
PROGRAMS = {
    "hooks/leader-elected": """
        [ "$(is-leader)" = True ] || exit 0
        leader-set owner="$JUJU_UNIT_NAME" term="$TENURE_TERM" || juju-log cannot
        relation-set -r peers:0 --app boss="$JUJU_UNIT_NAME" """,
    "hooks/config-changed": """
        status-set active "is $(config-get colour)"
        juju-log "colour $(config-get colour)" """,
    "hooks/start": "echo started >started; relation-set -r peers:0 name=$JUJU_UNIT_NAME",
    "hooks/upgrade-charm": ":",
    "hooks/update-status": '[ ! -e broken ] || { echo "no way" >&2; exit 3; }',
    "actions/greet": 'action-set said="hello $(action-get whom)"',
    "actions/break": "action-fail 'it is broken'",
}

Files = Callable[..., Path]
Ran = Callable[..., Failure | None]
Wrong = Callable[..., Sequence[LineFault]]


@pytest.fixture(scope="session")
def charm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The job is its leader's alone."""
    folder = tmp_path_factory.mktemp("charms") / "job"
    for name, text in {
        "metadata.yaml": METADATA, "config.yaml": CONFIG, "actions.yaml": ACTIONS,
    }.items():  # fmt: skip
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    for name, text in PROGRAMS.items():
        program = folder / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/bash\nset -e\n{text}\n")
        program.chmod(0o755)
    return folder


@pytest.fixture
def file(tmp_path: Path, charm: Path) -> Files:
    """Writes a drill beside a link to the charm."""
    (tmp_path / "job").symlink_to(charm)

    def write(*lines: str, name: str = "a.drill") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def ran(file: Files) -> Ran:
    """Runs a drill of these lines: how it failed, or None."""

    def run(*lines: str) -> Failure | None:
        path = str(file(*lines))
        drill, faults = parse_file(path)
        assert drill is not None, [str(each) for each in faults]
        return run_task(Task(drill, 0, path, keep=False)).failure

    return run


@pytest.fixture
def wrong(file: Files) -> Wrong:
    """What is wrong with these lines."""

    def parse(*lines: str) -> Sequence[LineFault]:
        drill, faults = parse_file(str(file(*lines)))
        assert (drill is None) == bool(faults)
        return faults

    return parse
