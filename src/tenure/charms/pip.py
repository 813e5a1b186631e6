"""What a charm's `requirements.txt` names, installed into its `venv` folder.

It is the interpreter of Tenure that installs, since that is the one known to be here. A charm runs
under the `python3` on its hooks' PATH. Where the two differ, packages with compiled parts (PyYAML,
cryptography) are for the wrong one: `differs` says so.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tenure.charms.fault import CharmError
from tenure.charms.recipe import Recipe

PATIENCE = 900.0
"""Seconds that pip may take."""

_OPTIONS = ("--no-input", "--disable-pip-version-check", "--no-compile", "--quiet")


_PLAIN = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w.,\s-]*\])?[^/:@]*\Z")
"""A requirement that means the same wherever it is read: no path, no address, no option."""


_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def key_of(recipe: Recipe, folder: Path) -> str | None:
    """What a `venv` for this recipe is found again by; None if it depends on more than words."""
    texts = [(folder / name).read_text(errors="replace") for name in recipe.requirements]
    lines = [line.partition(" #")[0].strip() for text in texts for line in text.splitlines()]
    words = [line for line in lines if line and not line.startswith("#")]
    named = (*words, *recipe.packages)
    if not all(map(_PLAIN.match, named)) or any(_is_file(word, folder) for word in named):
        return None
    whole = (sys.implementation.cache_tag, platform.machine(), words, recipe.packages)
    return hashlib.sha256(repr(whole).encode()).hexdigest()[:32]


def _is_file(word: str, folder: Path) -> bool:
    name = word.split()[0]
    return name.lower().endswith(_ARCHIVES) or (folder / name).exists()


def install(recipe: Recipe, folder: Path) -> None:
    """Fill `folder/venv`. Paths in requirements are relative to `folder`.

    Raises CharmError with pip's most telling line.
    """
    files = [word for name in recipe.requirements for word in ("-r", name)]
    words = [sys.executable, "-m", "pip", "install", "--target", "venv", *_OPTIONS, *files]
    status, output = _run([*words, "--", *recipe.packages], folder)
    if status != 0:
        wanted = ", ".join((*recipe.requirements, *recipe.packages))
        raise CharmError(f"cannot install {wanted} into venv: {_telling(output)}")
    # Checked by content, because each unit's copy has other times, and would compile all anew.
    mode = ("-m", "compileall", "-qq", "--invalidation-mode", "checked-hash", "venv")
    _run([sys.executable, *mode], folder)


def differs() -> str | None:
    """A line for people, if the charm's `python3` is of another version than ours."""
    ours = "{}.{}".format(*sys.version_info)
    theirs = ask_python("import sys; print('{}.{}'.format(*sys.version_info))")
    if theirs in (ours, None):
        return None
    return (
        f"venv is filled for Python {ours}, but python3 on PATH is {theirs}: compiled packages "
        f"will not load there; start Tenure with Python {theirs}, or put {ours} first on PATH"
    )


def ask_python(code: str) -> str | None:
    """What the `python3` on PATH prints for this code; None if it fails or is not there."""
    python = shutil.which("python3")
    if python is None:
        return None
    asked = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, timeout=60, check=False, cwd="/"
    )
    return asked.stdout.strip() if asked.returncode == 0 else None


def _run(words: Sequence[str], folder: Path) -> tuple[int, str]:
    with subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, "PIP_USER": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as child:
        try:
            output, _ = child.communicate(timeout=PATIENCE)
        except BaseException as error:
            os.killpg(child.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise CharmError(f"pip took longer than {PATIENCE:.0f} s: it was ended") from error
            raise
    return child.returncode, output


def _telling(output: str) -> str:
    """The line of pip's output that says most."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip said nothing"])[-1]
