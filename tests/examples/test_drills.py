"""The drills of the examples pass, in any order of hooks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.patience import HANG

from .running import EXAMPLES, TENURE

DRILLS = sorted(EXAMPLES.glob("*/tests/*.drill"))
IN_BASH = ("once-a-minute", "shared-secret", "who-is-who")


def test_every_example_in_bash_has_a_drill() -> None:
    assert set(IN_BASH) <= {drill.parents[1].name for drill in DRILLS}


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.parents[1].name)
def test_the_drill_of_an_example_passes(drill: Path) -> None:
    done = subprocess.run(
        [*TENURE, "drill", str(drill), "--orders", "3"],
        capture_output=True, text=True, timeout=HANG, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[:2] == ["TAP version 14", "1..3"]
