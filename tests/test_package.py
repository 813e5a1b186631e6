"""What is built beside the sources: a manual page that reads like one."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tenure.cli.group import COMMANDS

ROOT = Path(__file__).resolve().parent.parent


def manual() -> str:
    argv = [sys.executable, str(ROOT / "tools/man.py"), str(ROOT / "docs/commands.md")]
    return subprocess.run(argv, capture_output=True, check=True, timeout=30).stdout.decode()


def test_the_manual_page_has_every_command_and_no_markdown() -> None:
    page = manual()
    plain = page.replace(r"\-", "-")
    for name in COMMANDS:
        assert re.search(rf'^\.SH ".*tenure {name}\b.*"$', plain, re.MULTILINE), name
    assert "](" not in page and "```" not in page and "**" not in page
    assert page.count(".nf") == page.count(".fi") > 10
    lines = page.splitlines()
    assert not [
        line for line in lines if re.match(r"[.'](?!TH|SH|SS|PP|TP|IP|B |I |nf|fi|RS|RE)", line)
    ]


def test_what_the_wheel_carries_is_there_to_be_carried() -> None:
    """But for what the build makes"""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    carried = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert {"docs", "examples", "README.md", "build/tenure.1"} <= set(carried)
    assert all((ROOT / path).exists() for path in carried if not path.startswith("build/"))


def test_the_package_names_the_pythons_that_make_looks_for() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = re.findall(r"Python :: (3\.\d+)", " ".join(settings["project"]["classifiers"]))
    assert named == ["3.11", "3.12", "3.13"]
    sought = (ROOT / "tools" / "find-python").read_text()
    assert all(f"python{version}" in sought for version in named)
