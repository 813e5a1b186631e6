"""The failing disk, from the driver's side: built once, told what fails where, while all runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.preload import build

SOURCE = Path(__file__).with_name("shim.c")

NO_COMPILER = "there is no C compiler to build the failing disk with"


class Shim:
    """One folder with the library and what it is told. `works` is False without a compiler."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "shim.so"
        self._control = folder / "faults"
        self.works = build(SOURCE, self._library)

    def environment(self) -> dict[str, str]:
        """What `tenure up` must have in its environment, and hands down to its children."""
        if not self.works:
            return {}
        return {"LD_PRELOAD": str(self._library), "TENURE_TORTURE_FAULTS": str(self._control)}

    @contextmanager
    def failing(self, kind: str, path: Path, every: int = 1) -> Iterator[None]:
        """Meanwhile every `every`-th call below `path` fails, in the way that shim.c tells."""
        new = self._control.with_name("faults.new")
        new.write_text(f"{kind} {every} {path}\n")
        new.rename(self._control)
        try:
            yield
        finally:
            self.heal()

    def heal(self) -> None:
        """Nothing fails any more."""
        self._control.unlink(missing_ok=True)
