"""examples/demo.py: the story that a newcomer sees first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.patience import HANG

from .running import EXAMPLES, processes_of, wait_until

DEMO = EXAMPLES / "demo.py"


@contextmanager
def _demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo, with its temporary folder inside `folder`; nothing is left of it afterwards."""
    demo = subprocess.Popen(
        [sys.executable, str(DEMO)], env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield demo
    finally:
        if demo.poll() is None:
            demo.terminate()
        assert demo.stdout is not None
        demo.stdout.close()
        demo.wait(HANG)
        wait_until(lambda: not _left_in(folder), within=5.0)


def _left_in(folder: Path) -> list[str]:
    """What is left of the demo: its files, and the processes that name its state folder."""
    return [*map(str, folder.iterdir()), *map(str, processes_of(folder / "tenure-demo-"))]


def test_the_demo_tells_the_whole_story(short: Path) -> None:
    """O1, O4, U4: elected, killed, handed over; the script checks each step itself"""
    with _demo(short) as demo:
        text, _ = demo.communicate(timeout=HANG)
    assert demo.returncode == 0, text
    for line in ("1. ", "2. ", "9. ", "$ kill -9 ", "took over in ", "$ tenure history web"):
        assert f"\n{line}" in text or line in text
    assert "Traceback" not in text


def test_a_demo_that_is_ended_cleans_up(short: Path) -> None:
    """H8: also when somebody has seen enough"""
    with _demo(short) as demo:
        assert demo.stdout is not None
        wait_until(lambda: "$ tenure status" in demo.stdout.readline())
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(HANG) == 128 + signal.SIGTERM
    assert not _left_in(short)
