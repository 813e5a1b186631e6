"""What charms import, from PyPI: installed once, into a folder of `.venv` for each set.

A fresh clone needs the network for the first test that asks; later ones, and other test processes
at the same time, find what is there. `make clean` removes it with the rest of `.venv`.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv" / "charm-libs"
WITHIN = 300.0


def libraries(*requirements: str) -> Path:
    """A folder in which Python finds what is required, as `ops==3.9.0`, and what that requires.

    Fails with pip's own words if it cannot be had.
    """
    folder = FOLDER / re.sub(r"[^\w.]+", "-", " ".join(sorted(requirements)))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with alone(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            _install(requirements, folder)
    return folder


def required_by(charm: Path) -> Path:
    """The libraries that a charm's requirements.txt asks for."""
    lines = (charm / "requirements.txt").read_text().splitlines()
    return libraries(*(line.strip() for line in lines if line.strip()))


def packed(charm: Path, copy: Path, at: str = "venv") -> Path:
    """A copy of a charm with its libraries at `venv`, as packing puts them there; the copy.

    They are linked and not copied, since each unit has a copy of its own of the whole charm.
    """
    shutil.copytree(charm, copy, symlinks=True, ignore=shutil.ignore_patterns(at))
    (copy / at).symlink_to(required_by(charm))
    return copy


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Among all processes of this machine."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(requirements: tuple[str, ...], folder: Path) -> None:
    """Whole, or not at all: it is renamed into place."""
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(
        [*pip, "--target", str(new), *requirements],
        capture_output=True, text=True, timeout=WITHIN, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"cannot install {' '.join(requirements)}:\n{done.stderr}"
    new.rename(folder)
