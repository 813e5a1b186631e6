"""The same deed for several units: one that is refused keeps none of the others from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import Struct

from tenure.cli.main import complain
from tenure.cli.show.output import show
from tenure.cli.show.text import plain
from tenure.errors import TenureError, Unreachable, Unsure

Each = TypeVar("Each")


class Done(Struct, frozen=True, kw_only=True):
    """What was done with one unit."""

    unit: str
    note: str


class AllDone(Struct, frozen=True, kw_only=True):
    """What was done. `note` is all notes, each on its line."""

    note: str
    units: tuple[Done, ...]


def do_each(form: str, units: Iterable[str], deed: Callable[[str], str], nothing: str) -> None:
    """Do it for each unit, and print what was done; `nothing` if there was nobody to do it for.

    Raises the first error of a deed, after all were tried; the others are printed. A controller
    that does not answer is not tried again.
    """
    done: list[Done] = []
    faults: list[TenureError] = []
    for unit in units:
        try:
            done.append(Done(unit=unit, note=deed(unit)))
        except TenureError as fault:
            faults.append(fault)
            if isinstance(fault, Unreachable | Unsure):
                break
    note = "\n".join(plain(each.note) for each in done) or ("" if faults else nothing)
    if form != "json" or not faults or done:
        show(form, AllDone(note=note, units=tuple(done)), lambda: note)
    for more in faults[1:]:
        complain(str(more))
    if faults:
        raise faults[0]


def for_each(deed: Callable[[Each], str], over: Iterable[Each], what: str) -> list[str]:
    """Do it for each. What was done before a failure is told with it."""
    done: list[str] = []
    for each in over:
        try:
            done.append(deed(each))
        except TenureError as fault:
            so_far = "".join(f"; {unit} {what}" for unit in done)
            raise type(fault)(f"{fault}{so_far}") from fault
    return done
