"""Runs of pytest as users have them: a process of its own over a folder of tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WITHIN = 300.0
PLUGIN = ("-p", "tenure.pytestplugin")

CHARM = """\
#!/bin/bash
[ "$(is-leader)" = True ] && leader-set owner="$JUJU_UNIT_NAME"
exit 0
"""


def make_charm(folder: Path, hook: str = CHARM, name: str = "leader-elected") -> Path:
    """A charm of one hook."""
    (folder / "hooks").mkdir(parents=True)
    (folder / "metadata.yaml").write_text("name: web\n")
    (folder / "hooks" / name).write_text(hook)
    (folder / "hooks" / name).chmod(0o755)
    return folder


def argv_of(*words: str, python: str = sys.executable) -> list[str]:
    """pytest, without what it would leave in the folder."""
    return [python, "-m", "pytest", "-p", "no:cacheprovider", *words]


def run_pytest(
    folder: Path, test: str, *words: str, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Run this test file, written into the folder."""
    (folder / "test_web.py").write_text(test)
    return subprocess.run(
        argv_of("--basetemp", str(folder / "temp"), *words, python=python),
        cwd=folder, capture_output=True, text=True, timeout=WITHIN, check=False,
    )  # fmt: skip
