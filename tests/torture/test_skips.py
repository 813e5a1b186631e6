"""A run in which something was skipped for a reason that nobody knows has failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import conftest
from tests.support.patience import HANG

MODULE = """
import pytest

@pytest.mark.skipif({skipped}, reason={reason!r})
def test_a_disk():
    pass
"""


def run(folder: Path, *, skipped: bool, reason: str) -> subprocess.CompletedProcess[str]:
    """The run of one test, with the plugin."""
    test = folder / "tests" / "torture" / "test_torture.py"
    test.parent.mkdir(parents=True)
    test.write_text(MODULE.format(skipped=skipped, reason=reason))
    (folder / "tests" / "conftest.py").write_text(Path(conftest.__file__).read_text())
    (folder / "pytest.ini").write_text("[pytest]\n")
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "tests"]
    return subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, timeout=HANG, check=False
    )


@pytest.mark.parametrize(
    ("skipped", "reason", "code"),
    [
        (False, "no reason", 0),
        (True, conftest.MAY_BE_SKIPPED[0][1], 0),
        (True, "I did not feel like it", 1),
    ],
)
def test_only_what_is_on_the_list_may_be_skipped(
    tmp_path: Path, skipped: bool, reason: str, code: int
) -> None:
    done = run(tmp_path, skipped=skipped, reason=reason)
    assert done.returncode == code, done.stdout
    assert (f"test_a_disk: {reason}" in done.stdout) == skipped
    assert ("NOT ON THE LIST" in done.stdout) == (code == 1)


def test_every_skip_on_the_list_says_why_it_does_no_harm() -> None:
    assert all(len(why) > 20 for _, _, why in conftest.MAY_BE_SKIPPED)
