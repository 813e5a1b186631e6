"""One drill on its stage: what the lines before have left."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tenure.names import split_unit
from tenure.testing.kit.app import App
from tenure.testing.kit.errors import KitError
from tenure.testing.kit.halt import Halt
from tenure.testing.kit.stage import Stage
from tenure.testing.kit.unit import Unit

SHELL_WITHIN = 60.0
"""Real seconds for a command of `sh`."""


@dataclass(slots=True)
class Kept:
    """A halt, and where it was asked for."""

    halt: Halt
    line: int
    reached: bool = False


class Play:
    """`folder` is where relative paths begin. `line` is the one that runs; `answer` is what the
    last line answered, `values` what `let` kept."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.folder = folder
        self.line = 0
        self.answer = ""
        self.values: dict[str, str] = {}
        self._halts: dict[str, Kept] = {}

    def app(self, name: str) -> App:
        """Raises KitError if there is none."""
        found = self.stage.apps.get(name)
        if found is None or not found.is_there:
            known = ", ".join(n for n, app in self.stage.apps.items() if app.is_there) or "none"
            raise KitError(f"there is no application {name}: there are {known}")
        return found

    def unit(self, name: str) -> Unit:
        """Raises KitError if there is none."""
        application, number = split_unit(name)
        return self.app(application)[number]

    def path(self, word: str) -> Path:
        """What a word of the file means."""
        return self.folder / word

    # -- halts

    def keep_halt(self, name: str, halt: Halt) -> None:
        """By its name, which is "" for the one that has none."""
        self._halts[name] = Kept(halt, self.line)

    def check_free(self, name: str) -> None:
        """Raises KitError while another halt of that name is waited for, or holds its hook."""
        old = self._halts.get(name)
        if old is not None and (old.halt.is_reached or not old.reached):
            what = f'the halt "{name}"' if name else "the halt"
            raise KitError(
                f"{what} of line {old.line} is not over: let it go on, or give this one a name of "
                "its own, as in `halt second: web/1 leader-elected leader-set`"
            )

    def halt(self, name: str) -> Halt:
        """The halt of that name. Raises KitError."""
        return self._kept(name).halt

    def _kept(self, name: str) -> Kept:
        found = self._halts.get(name)
        if found is None:
            what = f'halt "{name}"' if name else "halt without a name"
            known = ", ".join(each or "one without a name" for each in self._halts) or "none"
            raise KitError(f"there is no {what} now: there is {known}")
        return found

    def reach(self, name: str) -> None:
        """Run until it holds its hook. Raises KitError."""
        kept = self._kept(name)
        kept.halt.reached()
        kept.reached = True

    def let_go(self, name: str, *, fails: bool) -> None:
        """It is over. Raises KitError if it holds nothing."""
        halt = self._kept(name).halt
        (halt.fail if fails else halt.go_on)()
        del self._halts[name]

    def held(self) -> Kept | None:
        """A halt that still holds its hook."""
        return next((kept for kept in self._halts.values() if kept.halt.is_reached), None)

    def missed(self) -> Kept | None:
        """A halt that never held its hook."""
        return next((kept for kept in self._halts.values() if not kept.reached), None)

    # -- the shell

    def shell(self, command: str) -> str:
        """What it prints. Raises KitError if it fails."""
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", command], cwd=self.folder, env={**os.environ, **self.folders()},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
        except OSError as fault:
            raise KitError(f"it cannot be run: {(fault.strerror or str(fault)).lower()}") from fault
        out, err = _ended(process)
        if process.returncode:
            raise KitError(failed(process.returncode, text(out), text(err)))
        return text(out)

    def folders(self) -> dict[str, str]:
        """Where hooks run: TENURE_UNIT_0 for unit 0 of the first application, TENURE_UNIT_WEB_0 for
        that of `web`."""
        found: dict[str, str] = {}
        for place, (name, app) in enumerate(self.stage.apps.items()):
            upper = name.upper().replace("-", "_")
            for unit in app.units:
                number = split_unit(unit.name)[1]
                found[f"TENURE_UNIT_{upper}_{number}"] = str(unit.charm)
                if place == 0:
                    found[f"TENURE_UNIT_{number}"] = str(unit.charm)
        return found


def _ended(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """What it printed. Raises KitError if it does not end; then all that it started is ended."""
    try:
        return process.communicate(timeout=SHELL_WITHIN)
    except BaseException as fault:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(fault, subprocess.TimeoutExpired):
            raise KitError(f"it still ran after {SHELL_WITHIN:g} s, and was ended") from None
        raise


def failed(code: int, out: str, err: str) -> str:
    """How a command failed, in one line."""
    said = " ".join((err or out).split())
    return f"it ended with {code}{f': {said}' if said else ''}"


def text(content: bytes) -> str:
    """What a command printed, without the end of its last line."""
    return content.decode("utf-8", "replace").rstrip("\n")
