"""What a lock file of uv or poetry stands for, as requirements that pip can install.

The tool that wrote the lock reads it: the one on the PATH, else one from the index that pip uses,
installed once beside what is packed. So no format of theirs is known here, and what is installed
is compared with the hashes that the lock names.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tenure.charms import pip
from tenure.charms.cache import Cache
from tenure.charms.fault import CharmError
from tenure.charms.recipe import LOCKED, Lock


def unlock(lock: Lock, folder: Path, tools: Path) -> None:
    """Write what a lock stands for into a file of requirements, `LOCKED`, in a packed folder.

    Raises CharmError with what the tool said, OSError.
    """
    (folder / LOCKED).unlink(missing_ok=True)  # because the source may have a link there
    export = _EXPORTS[lock.tool]
    words, environment = tool(lock.tool, tools)
    status, output = pip.run([*words, *export(lock), LOCKED], folder, environment)
    if status != 0:
        raise CharmError(f'{lock.tool} cannot read "{folder / lock.file}": {pip.telling(output)}')


def _of_uv(lock: Lock) -> list[str]:
    groups = [f"--group={name}" for name in lock.groups]
    extras = [f"--extra={name}" for name in lock.extras]
    options = ("--frozen", "--no-dev", "--no-emit-project", "--no-annotate", "--no-header")
    return ["export", "--quiet", *options, *groups, *extras, "--output-file"]


def _of_poetry(lock: Lock) -> list[str]:
    groups = [f"--with={','.join(lock.groups)}"] if lock.groups else []
    extras = [f"--extras={name}" for name in lock.extras]
    return ["export", "--no-interaction", *groups, *extras, "--output"]


_EXPORTS: Mapping[str, Callable[[Lock], list[str]]] = {"uv": _of_uv, "poetry": _of_poetry}
_PACKAGES = {"uv": ("uv",), "poetry": ("poetry", "poetry-plugin-export")}


def tool(name: str, tools: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    """How to call it: the words, and what its environment needs.

    Raises CharmError if it is not here and cannot be installed.
    """
    found = shutil.which(name)
    if found is not None and _can_export(found):
        return [found], {}

    def fill(new: Path) -> None:
        pip.install_tool(_PACKAGES[name], new)

    kept, _ = Cache(tools).get(name, fill)
    script = kept / "bin" / name
    if script.read_bytes()[:2] == b"#!":  # because it names the folder that it was made in
        return [sys.executable, "-m", name], {"PYTHONPATH": str(kept)}
    return [str(script)], {"UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}


def _can_export(tool: str) -> bool:
    """Whether it has the command; with poetry that is a plugin, which may be missing."""
    return pip.run([tool, "export", "--help"], Path("/"))[0] == 0
