"""What can be wrong with a drill: its words, or what comes of them."""

from __future__ import annotations

from dataclasses import dataclass

from tenure.testing.kit.errors import KitError


class WrongLine(KitError):
    """The words of a line are wrong, whatever there is on the stage."""

    exit_code = 2
    code = "wrong-line"


class Unmet(KitError):
    """What was expected is not so; `found` is."""

    code = "unmet"

    def __init__(self, found: str) -> None:
        super().__init__(f"it is {found!r}")
        self.found = found


@dataclass(frozen=True, slots=True)
class LineFault:
    """A wrong line of a file, or with `number` 0 the whole file."""

    path: str
    number: int
    why: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.number}" if self.number else self.path
        return f"{where}: {self.why}"
