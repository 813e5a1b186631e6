"""The folder of hook tools that stands first on a hook's PATH: one link per tool, to the client.

The client is the compiled one of the package if it is there and runs here; else the Python one, as
a script of this folder. It runs on the base interpreter (a charm's virtual environment must not
reach it) with `-IS`. A shebang holds one word and not much of it, so an interpreter with a long
path or a space in it is started by a two-line shell script instead.

Every file is put in place by renaming, so a folder that hooks are using can be filled again, also
over that of another version.
"""

from __future__ import annotations

import marshal
import os
import shlex
import subprocess
import sys
from functools import cache
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Literal

import tenure.agent
from tenure.agent.tools import TOOLS
from tenure.errors import TenureError
from tenure.files import put_link, put_program

MAX_SHEBANG = 120
SCRIPT = ".hooktool"
SCRIPT_BODY = ".hooktool.py"

_PACKAGE = Path(tenure.agent.__file__).parent.parent
COMPILED = _PACKAGE / "_hooktool"
_SOURCE = _PACKAGE / "hooktool.py"


def make_tools_folder(
    folder: Path,
    *,
    client: Literal["auto", "c", "python"] = "auto",
    compiled: Path = COMPILED,
    python: str | None = None,
) -> None:
    """Fill the folder with the tools.

    For tests: which `client`, another `compiled` one, another interpreter `python`.
    Raises TenureError, also if the compiled client is asked for and does not run here.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if client != "python" and runs(compiled):
            target = str(compiled)
        elif client == "c":
            raise TenureError(f"{compiled} is not there or does not run on this machine")
        else:
            target = SCRIPT
            _write_script(folder, python or base_interpreter())
        for name in TOOLS:
            put_link(folder / name, target)
        _remove_others(folder)
    except OSError as fault:
        raise TenureError(
            f"cannot make the folder of hook tools {folder}: {fault.strerror or fault}"
        ) from fault


def base_interpreter() -> str:
    """The interpreter outside any virtual environment, if it is known and there."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return base if os.access(base, os.X_OK) else sys.executable


@cache
def runs(client: Path) -> bool:
    """Whether the compiled client runs here; tried once (another machine's, a noexec mount)."""
    if not os.access(client, os.X_OK):
        return False
    try:
        tried = subprocess.run([client], env={}, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return tried.returncode == 1 and tried.stderr == b"ERROR JUJU_CONTEXT_ID not set\n"


def _write_script(folder: Path, python: str) -> None:
    body = _loader(_SOURCE.read_text())
    shebang = f"#!{python} -IS\n"
    if not set(python) & set(" \t\n") and len(os.fsencode(shebang)) <= MAX_SHEBANG:
        put_program(folder / SCRIPT, shebang + body)
        return
    put_program(folder / SCRIPT_BODY, body)
    words = shlex.join([python, "-IS", str(folder.absolute() / SCRIPT_BODY)])
    put_program(folder / SCRIPT, f'#!/bin/sh\nexec {words} "$0" "$@"\n')


def _loader(source: str) -> str:
    """The client ready to run: compiling it at each call would take a sixth of the call's time.

    The source goes along, because compiled code is for one version of Python and the interpreter's
    path may lead to another one tomorrow.
    """
    code = marshal.dumps(compile(source, SCRIPT, "exec", optimize=2, dont_inherit=True))
    return (
        "import marshal\n"
        "from _frozen_importlib_external import MAGIC_NUMBER\n"
        f"fits = MAGIC_NUMBER == {MAGIC_NUMBER!r}\n"
        f"exec(marshal.loads({code!r}) if fits else {source!r})\n"
    )


def _remove_others(folder: Path) -> None:
    """Remove the links of tools that another version had and this one has not."""
    for path in folder.iterdir():
        if path.is_symlink() and path.name not in TOOLS:
            path.unlink(missing_ok=True)
