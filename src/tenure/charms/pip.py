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
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

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
    names = (*recipe.requirements, *recipe.constraints)
    texts = [(folder / name).read_text(errors="replace") for name in names]
    lines = [line.partition(" #")[0].strip() for text in texts for line in _joined(text)]
    words = [line for line in lines if line and not line.startswith("#")]
    named = (*words, *recipe.packages)
    if not all(map(_PLAIN.match, named)) or any(_is_file(word, folder) for word in named):
        return None
    whole = (sys.implementation.cache_tag, platform.machine(), words, recipe.packages, recipe.site)
    return hashlib.sha256(repr(whole).encode()).hexdigest()[:32]


def _joined(text: str) -> list[str]:
    """The lines of requirements, with those that go on joined, and without hashes."""
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    return [re.sub(r"\s--hash=\S+", "", line) for line in joined.splitlines()]


def _is_file(word: str, folder: Path) -> bool:
    name = word.split()[0]
    return name.lower().endswith(_ARCHIVES) or (folder / name).exists()


def install(recipe: Recipe, folder: Path) -> None:
    """Fill the recipe's `site` below `folder`. Paths in requirements are relative to `folder`.

    Raises CharmError with pip's most telling line, and the address that failed.
    """
    files = [word for name in recipe.requirements for word in ("-r", name)]
    files += [word for name in recipe.constraints for word in ("-c", name)]
    status, output = run([*_pip(recipe.site), *files, "--", *recipe.packages], folder)
    if status != 0:
        raise CharmError(f"cannot install {recipe.wanted} into venv: {telling(output)}")
    # Checked by content, because each unit's copy has other times, and would compile all anew.
    mode = ("-m", "compileall", "-qq", "--invalidation-mode", "checked-hash", "venv")
    run([sys.executable, *mode], folder)


def install_tool(packages: Sequence[str], folder: Path) -> None:
    """Fill a folder with programs that packing needs. Raises CharmError."""
    status, output = run([*_pip("."), "--", *packages], folder)
    if status != 0:
        raise CharmError(
            f"cannot install {packages[0]}, which reads the charm's lock file: {telling(output)}; "
            f"or install {packages[0]} yourself"
        )


def _pip(target: str) -> list[str]:
    return [sys.executable, "-m", "pip", "install", "--target", target, *_OPTIONS]


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


def run(
    words: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """The exit code of a program, and what it printed. Raises CharmError if it never ends."""
    with subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, "PIP_USER": "0", **(environment or {})},
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
                raise CharmError(
                    f"{_program(words)} took longer than {PATIENCE:.0f} s: it was ended"
                ) from error
            raise
    return child.returncode, output


def _program(words: Sequence[str]) -> str:
    return words[2] if words[1] == "-m" else Path(words[0]).name


_ADDRESS = re.compile(r"(?:\w+\+)?https?://[^\s'\"<>)\]]+")
_BROKEN = re.compile(r"connection broken by .*?: (/\S*)")


def telling(output: str) -> str:
    """The line of pip's output that says most, and the address that did not answer, if one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    faults = [line for line in lines if line.startswith(("ERROR:", "fatal:", "error:"))]
    said = (faults or lines or ["it said nothing"])[-1].removeprefix("ERROR:").strip()
    address = _address(lines, said)
    return f"{said} (no answer from {address})" if address else said


def _address(lines: Sequence[str], said: str) -> str:
    """The first address that failed, without a password, unless what is `said` names it."""
    if _ADDRESS.search(said):
        return ""
    for line in lines:
        if line.startswith(("WARNING: Retrying", "ERROR:", "fatal:", "Could not fetch")):
            if named := _ADDRESS.search(line):
                return _without_password(named[0].rstrip(".,:;"))
            if broken := _BROKEN.search(line):
                return _without_password(_index(line)) + broken[1]
    return ""


def _index(line: str) -> str:
    """Scheme and host of the index that pip asks: what it was told, else the host in its line."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    told = re.findall(r"index[-_]url='?([^'\s]+)", asked.stdout.lower())
    hosts = [f"https://{host}" for host in re.findall(r"host='([^']+)'", line)]
    named = [os.environ.get("PIP_INDEX_URL"), *told[-1:], *hosts]
    parts = urlsplit(next(filter(None, named), ""))
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _without_password(address: str) -> str:
    return re.sub(r"//[^/@]*@", "//", address)
