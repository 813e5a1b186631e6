"""Charms as a stage runs them: what `tenure up` takes, and sources that run as they are.

A source with `src/charm.py` and neither `dispatch` nor hooks runs with the interpreter and the
packages of the test: nothing is packed or fetched. A `.charm` file is unpacked once a session.
"""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from tenure.charms.facts import Facts, read_facts
from tenure.charms.fault import CharmError
from tenure.charms.folder import check_charm, default_name
from tenure.charms.hooks import ACTIONS, DISPATCH, HOOKS, known_hooks
from tenure.charms.pack import prepare
from tenure.charms.recipe import ENTRY_POINT, write_metadata
from tenure.errors import TenureError
from tenure.testing.kit.errors import KitError
from tenure.wire.operators import Charm

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".tox", ".venv", "venv", "__pycache__", ".*_cache", "*.charm"
)


@cache
def session_folder() -> Path:
    """Where what is made for the stages of this process is."""
    folder = Path(tempfile.mkdtemp(prefix="tenure-charms-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def prepared(charm: str | Path) -> Path:
    """The folder that units copy. Raises KitError."""
    if not isinstance(charm, str | os.PathLike):
        raise KitError(f"a charm is the path of a folder or a file, not {charm!r}")
    source = Path(os.path.abspath(charm))  # noqa: PTH100  links stay
    try:
        if _runs_from_source(source):
            return _from_source(source)
        folder = prepare(source, session_folder() / "built").folder
        check_charm(folder)
    except TenureError as fault:
        raise KitError(str(fault)) from fault
    if not _can_run(folder):
        raise KitError(
            f'the charm "{source}" has no executable hook and no dispatch: nothing of it would run'
        )
    return folder


def _runs_from_source(source: Path) -> bool:
    return (source / ENTRY_POINT).is_file() and not any(
        (source / name).exists() for name in (DISPATCH, HOOKS)
    )


def _from_source(source: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=session_folder())) / source.name
    shutil.copytree(source, folder, symlinks=True, ignore=_LEFT_OUT)
    write_metadata(folder)
    dispatch = folder / DISPATCH
    dispatch.write_text(
        "#!/bin/sh\n"
        'JUJU_DISPATCH_PATH="${JUJU_DISPATCH_PATH:-$0}" PYTHONPATH="lib:src" '
        f"exec {shlex.quote(sys.executable)} ./{ENTRY_POINT}\n"
    )
    dispatch.chmod(0o755)
    return folder


def _can_run(folder: Path) -> bool:
    """A hook without its bit can: units' copies have it."""
    if (folder / DISPATCH).is_file():
        return True
    try:
        facts = read_facts(folder)
    except CharmError:
        facts = Facts()
    programs = [f"{HOOKS}/{name}" for name in known_hooks(facts)]
    programs += [f"{ACTIONS}/{name}" for name in facts.actions]
    return any((folder / name).exists() for name in programs)


def name_of(folder: Path, name: str | None) -> str:
    """The application's. Raises KitError."""
    try:
        return name or default_name(folder)
    except TenureError as fault:
        raise KitError(f"{fault}: name the application, as in deploy(charm, 'web')") from fault


def charm_body(folder: Path, resources: Mapping[str, str | Path] | None) -> dict[str, Any]:
    """What the controller is told of it. Raises KitError."""
    try:
        facts = read_facts(folder)
    except TenureError as fault:
        raise KitError(str(fault)) from fault
    unknown = sorted(set(resources or {}) - set(facts.resources))
    if unknown:
        known = ", ".join(sorted(facts.resources)) or "none"
        raise KitError(f"the charm has no resource {unknown[0]!r}: it has {known}")
    files = {name: os.path.abspath(file) for name, file in (resources or {}).items()}  # noqa: PTH100
    charm = Charm(
        source=str(folder), peers=tuple(facts.peers), options=facts.options,
        resources=files or None,
    )  # fmt: skip
    body: dict[str, Any] = msgspec.to_builtins(charm)
    return body
