"""Small charms in bash, written by the tests that run them, and what a stage says of bad input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tenure.testing import KitError

PEERS = "peers:\n  peers:\n    interface: peers\n"


def bash_charm(folder: Path, hooks: Mapping[str, str], metadata: str = "", **files: str) -> Path:
    """A charm `web` in that folder, with these hooks; `actions_yaml="..."` makes actions.yaml.
    A name with a slash is not a hook's but a program's, as `actions/backup`."""
    charm = folder / "web"
    for name, body in hooks.items():
        program = charm / (name if "/" in name else f"hooks/{name}")
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/bash\n{body}\n")
        program.chmod(0o755)
    charm.mkdir(exist_ok=True)
    if metadata:
        (charm / "metadata.yaml").write_text(metadata)
    for name, content in files.items():
        (charm / name.replace("_yaml", ".yaml")).write_text(content)
    return charm


JOB = {"leader-elected": '[ "$(is-leader)" = True ] || exit 0\nleader-set owner="$JUJU_UNIT_NAME"'}
"""Who is elected asks whether it leads, and then writes its name."""


def said(ask: Callable[[], object]) -> str:
    """The one line with which a stage refuses, or "" if it does not."""
    try:
        ask()
    except KitError as refusal:
        assert "\n" not in str(refusal)
        return str(refusal)
    return ""


def is_alive(pid: int) -> bool:
    """Whether a process that is not ours runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
