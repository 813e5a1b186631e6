"""The disk that fails on demand fails as told, in a process that runs already."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.preload import compiler
from tests.torture.shim import NO_COMPILER, Shim

LISTENS = """
import os, sys
for line in sys.stdin:
    handle = None
    try:
        handle = os.open(line.strip(), os.O_WRONLY | os.O_CREAT)
        os.write(handle, b"x")
        os.fsync(handle)
        os.rename(line.strip(), line.strip() + ".new")
        print("fine", flush=True)
    except OSError as error:
        print(os.strerror(error.errno), flush=True)
    if handle is not None:
        os.close(handle)
"""


class Writer:
    """A process that writes, syncs and renames a file whenever it is told."""

    def __init__(self, shim: Shim) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LISTENS], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, **shim.environment()},
        )  # fmt: skip

    def write(self, path: Path) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        print(path, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    if compiler() is None:
        pytest.skip(NO_COMPILER)
    made = Shim(tmp_path)
    assert made.works
    return made


@pytest.fixture
def writer(shim: Shim) -> Iterator[Writer]:
    found = Writer(shim)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.communicate()


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("full", "No space left on device"),
        ("readonly", "Read-only file system"),
        ("nosync", "Input/output error"),
        ("synced", "Input/output error"),
        ("slow", "fine"),
    ],
)
def test_a_failing_disk_fails_below_its_folder_alone_and_only_while_told(
    shim: Shim, writer: Writer, tmp_path: Path, kind: str, says: str
) -> None:
    there, elsewhere = tmp_path / "there", tmp_path / "there-not"
    there.mkdir()
    elsewhere.mkdir()
    assert writer.write(there / "a") == "fine"
    with shim.failing(kind, there):
        assert writer.write(there / "b") == says
        assert writer.write(elsewhere / "b") == "fine"
    assert writer.write(there / "c") == "fine"


def test_a_failing_disk_can_fail_now_and_then(shim: Shim, writer: Writer, tmp_path: Path) -> None:
    with shim.failing("full", tmp_path, 2):
        said = [writer.write(tmp_path / "a") for _ in range(4)]
    assert said == ["No space left on device", "fine"] * 2
