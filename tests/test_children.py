"""What a charm's program finds when it is started, whoever started Tenure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tenure import children
from tests.support.hostile import TELL, TOLD, hostile
from tests.support.patience import HANG

STARTS = f"""
import os
from tenure import children
child = children.start(
    ["/bin/bash", "-c", {TELL!r}], env=dict(os.environ), cwd="/",
    own_session=OWN_SESSION,
)
assert child.wait() == 0
"""


@pytest.mark.parametrize("own_session", [True, False])
def test_a_program_begins_with_default_signals_no_mask_no_descriptors_and_umask_022(
    own_session: bool,
) -> None:
    """P6, H9"""
    argv = hostile([sys.executable, "-c", STARTS.replace("OWN_SESSION", str(own_session))])
    done = subprocess.run(argv, capture_output=True, text=True, timeout=HANG, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, TOLD, "")


def test_a_program_in_a_session_of_its_own_is_in_no_other_and_else_in_ours(tmp_path: Path) -> None:
    """H8"""
    # ours is 0 where whoever began it is outside of this container
    for own in (True, False):
        child = children.start(
            ["/bin/sleep", "60"], env={}, cwd=str(tmp_path), own_session=own,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert os.getsid(child.pid) == (child.pid if own else os.getsid(0))
        finally:
            child.kill()
            child.wait()


def test_what_this_process_was_to_ignore_it_passes_over_still() -> None:
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        children.ignore_nothing()
        assert callable(signal.getsignal(signal.SIGUSR1))
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_what_is_handled_already_stays_handled_so() -> None:
    before = signal.signal(signal.SIGUSR2, handler)
    try:
        children.ignore_nothing()
        assert signal.getsignal(signal.SIGUSR2) is handler
    finally:
        signal.signal(signal.SIGUSR2, before)


def handler(number: int, frame: object) -> None:
    raise AssertionError(number)


def test_tests_end_also_where_their_caller_ignores_signals() -> None:
    """Ctrl-C, above all: who starts `make test` in the background of a script ignores it"""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    tests = Path(__file__).parent / "cli" / "test_main.py"
    argv += [str(tests), "-k", "test_ctrl_c_ends_it_quietly"]
    done = subprocess.run(hostile(argv), capture_output=True, text=True, timeout=HANG, check=False)
    assert done.returncode == 0, done.stdout


def test_another_thread_may_start_a_program_too(tmp_path: Path) -> None:
    codes = []

    def work() -> None:
        codes.append(children.start(["/bin/true"], env={}, cwd=str(tmp_path)).wait())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert codes == [0]
