"""The tutorial's commands, run as they stand there, in order, in one shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from .conftest import new_place

TUTORIAL = Path(__file__).resolve().parent.parent.parent / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_what_the_tutorial_tells_to_type_works_and_prints_what_it_says() -> None:
    """A block of text is what the commands before it print, among other lines"""
    blocks = _BLOCK.findall(TUTORIAL.read_text())
    commands = "".join(text for kind, text in blocks if kind == "sh")
    with new_place() as place:
        tools = place.folder / "bin"
        tools.mkdir()
        (tools / "tenure").write_text(f'#!/bin/sh\nexec {sys.executable} -m tenure "$@"\n')
        (tools / "tenure").chmod(0o755)
        done = subprocess.run(
            ["bash", "-eu", "-c", commands], cwd=place.folder, capture_output=True, text=True,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}, timeout=300, check=False,
        )  # fmt: skip
        place.move_to(place.folder / "state")
        assert done.returncode == 0, done.stderr + done.stdout
        assert place.try_status() is None, "it ends what it began"
    said = done.stdout.splitlines()
    for kind, text in blocks:
        if kind == "text":
            assert set(text.splitlines()) <= set(said), done.stdout
