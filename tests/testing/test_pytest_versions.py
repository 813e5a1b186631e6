"""The plugin as users install it: the extra `tenure[pytest]`, and pytest from PyPI."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.environments import environment
from tests.support.pytestruns import make_charm, run_pytest

OLDEST, LATEST = "8.0.2", "9.2.0"

TEST = """
def test_one_leads(stage, tenure_order):
    web = stage.deploy("web", units=2)
    web.elect(web[1])
    assert web.settings["owner"] == "web/1"
    assert tenure_order < 2, "this order fails"
"""


@pytest.mark.long
@pytest.mark.parametrize("version", [OLDEST, "8.4.2", LATEST])
def test_a_test_has_its_stage_because_tenure_is_installed(tmp_path: Path, version: str) -> None:
    """By the entry point alone; with workers of pytest-xdist and without"""
    python = environment(tmp_path / "venv", f"pytest=={version}", "pytest-xdist==3.8.0")
    make_charm(tmp_path / "web")
    for words in ((), ("-n", "2"), ("-p", "tenure.pytestplugin")):
        done = run_pytest(
            tmp_path, TEST, "--strict-markers", "--tenure-orders=3", *words, python=str(python)
        )
        assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr
        assert done.stdout.count(" tenure story ") == 1
        assert "web/1 leader-elected: leader-set owner=web/1 -> 0" in done.stdout
    assert _version(python) == version


def _version(python: Path) -> str:
    words = [str(python), "-c", "import pytest; print(pytest.__version__)"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def test_the_extra_asks_for_the_oldest_pytest_that_is_tried(tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", f"pytest=={LATEST}", "pytest-xdist==3.8.0")
    text = (
        "from importlib.metadata import requires; "
        "print([each for each in requires('tenure') if 'extra' in each and 'pytest' in each])"
    )
    words = [str(python), "-c", text]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "pytest>=8; extra == 'pytest'" in said
