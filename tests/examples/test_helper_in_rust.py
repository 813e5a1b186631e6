"""examples/helper-in-rust: what its README tells."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.patience import HANG

from .running import EXAMPLES, TENURE, Tenure, others

CHARM = EXAMPLES / "helper-in-rust"

pytestmark = pytest.mark.skipif(shutil.which("rustc") is None, reason="there is no rustc here")


@pytest.fixture
def rusty(tenure: Tenure) -> Iterator[Tenure]:
    """A Tenure whose helpers, which are in sessions of their own, end with the test."""
    yield tenure
    for file in tenure.state.glob("units/*/charm/helper.pid"):
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(file.read_text()), signal.SIGKILL)


def test_a_helper_in_rust_leads_with_the_contexts_that_hooks_lend_it(rusty: Tenure) -> None:
    """T9, T8, H8, G6: the same process, hook after hook, with nothing but another context id"""
    rusty.up(CHARM, "--units", "2", "--update-status-interval", "1s")
    application = rusty.until(lambda now: _says(now, "turn 1") and len(now["units"]) == 2, 90.0)
    leader, (other,) = application["leader"], others(application)
    assert _status(application, leader) == "leads, turn 1"
    pids = {unit: (rusty.charm_of(unit) / "helper.pid").read_text() for unit in (leader, other)}

    rusty.run("elect", other)
    application = rusty.until(lambda now: _says(now, "turn 2"), 30.0)
    assert _status(application, other) == "leads, turn 2"
    assert _status(application, leader) == "follows, turn 2"
    for unit, pid in pids.items():
        assert (rusty.charm_of(unit) / "helper.pid").read_text() == pid


def test_a_context_that_is_over_is_of_no_use_to_the_helper(rusty: Tenure) -> None:
    """T8"""
    rusty.up(CHARM, "--units", "1")
    rusty.until(lambda now: _says(now, "turn 1"), 90.0)
    [unit] = rusty.application()["units"]
    told = rusty.run(
        "exec", unit, "--", "sh", "-c",
        "JUJU_CONTEXT_ID=gone ./helper ask config-changed 2>&1 || true",
    )  # fmt: skip
    assert told == 'ERROR bad request: wrong context ID; got "gone"\n'


@pytest.mark.skipif(shutil.which("cargo") is None, reason="there is no cargo here")
def test_its_own_tests_drive_a_stage_from_rust(tmp_path: Path) -> None:
    """And leave nothing in the example's folder"""
    tenure = tmp_path / "tenure"
    tenure.write_text(f'#!/bin/sh\nexec {" ".join(TENURE)} "$@"\n')
    tenure.chmod(0o755)
    done = subprocess.run(
        ["cargo", "test", "--offline", "--manifest-path", str(CHARM / "Cargo.toml")],
        env={**os.environ, "TENURE": str(tenure), "CARGO_TARGET_DIR": str(tmp_path / "target")},
        capture_output=True, text=True, timeout=HANG, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
    assert not (CHARM / "target").exists()


def _status(application: dict[str, Any], unit: str) -> str:
    return str(application["units"][unit]["status"]["message"])


def _says(application: dict[str, Any], text: str) -> bool:
    units = application["units"].values()
    return all(text in unit["status"]["message"] for unit in units)
