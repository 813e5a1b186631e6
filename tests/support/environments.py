"""Environments as users have them: Tenure from its wheel, and what else they installed from PyPI.

Each is a virtual environment of its own, that sees nothing of this one. What is installed from
PyPI is there once for all (tests/support/charmlibs.py), and so is the wheel, for each state of the
sources.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.support.charmlibs import FOLDER, ROOT, WITHIN, alone, libraries

PARTS = (
    "src", "tools", "docs", "examples", "pyproject.toml", "build_hooktool.py", "README.md",
    "CHANGELOG.md", "LICENSE",
)  # fmt: skip
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "_hooktool*", "venv", "target")


def environment(folder: Path, *requirements: str) -> Path:
    """A virtual environment, in this new folder, with Tenure and what is required besides, as
    `pytest==8.0.2`; its Python."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = libraries(*settings["project"]["dependencies"], *requirements)
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=WITHIN
    )
    [packages] = folder.glob("lib/python3*/site-packages")
    (packages / "found.pth").write_text(f"{_tenure()}\n{found}\n")
    return folder / "bin" / "python"


def _tenure() -> Path:
    """Where the wheel of these sources is installed."""
    folder = FOLDER / f"tenure-{_state()}"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with alone(FOLDER / "tenure.lock"):
        if not folder.exists():
            for old in FOLDER.glob("tenure-*"):
                shutil.rmtree(old)
            _install(folder)
    return folder


def _state() -> str:
    found = hashlib.sha256()
    for part in ("src", "pyproject.toml", "build_hooktool.py"):
        top = ROOT / part
        for file in sorted(top.rglob("*.*")) if top.is_dir() else [top]:
            if file.suffix in (".py", ".c", ".toml") and file.is_file():
                found.update(file.read_bytes())
    return found.hexdigest()[:16]


def _install(folder: Path) -> None:
    """From a copy, because to build a wheel writes beside the sources."""
    copy = folder.with_name("tenure-sources")
    new = folder.with_name("tenure-new")
    copy.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, symlinks=True, ignore=_LEFT_OUT)
        else:
            shutil.copy2(source, copy / part)
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(
        [*pip, "--no-deps", "--target", str(new), str(copy)],
        capture_output=True, text=True, timeout=WITHIN, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"cannot install Tenure:\n{done.stderr}"
    new.rename(folder)
    shutil.rmtree(copy)
