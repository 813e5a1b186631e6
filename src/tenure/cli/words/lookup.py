"""What a command names, in the controller's status."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from tenure.durations import format_duration
from tenure.errors import NotFound, Refused
from tenure.names import LEADER, application_of, split_unit
from tenure.wire.operators import ApplicationStatus, Status, UnitStatus


def application_in(status: Status, name: str) -> ApplicationStatus:
    """Raises NotFound."""
    found = status.applications.get(name)
    if found is None:
        raise NotFound(f'there is no application "{name}": see `tenure status`')
    return found


def check_charm(name: str, application: ApplicationStatus) -> None:
    """Raises Refused if a new unit would find no charm, and wait without a word."""
    charm = application.charm
    with suppress(PermissionError):  # because agents may be allowed to see what this user is not
        if charm is not None and not Path(charm.source).is_dir():
            raise Refused(
                f"cannot add a unit to {name}: its charm {charm.source} is gone: "
                f"put it back, or hand in another with `tenure refresh {name} CHARM`"
            )


def check_unit(status: Status, unit: str) -> None:
    """Raises NotFound."""
    found = status.applications.get(application_of(unit))
    if found is None or unit not in found.units:
        raise NotFound(f"there is no unit {unit}: see `tenure status`")


def why_late(status: Status | None, unit: str, waited: float) -> str:
    """Why a unit's agent has not answered within `waited` seconds; None: nobody tells."""
    application = status.applications.get(application_of(unit)) if status else None
    found = application.units.get(unit) if application else None
    if found is not None and found.silent_for is not None:
        pid = "" if found.pid is None else f" (pid {found.pid})"
        return (
            f"{unit} does not answer: its agent{pid} has been silent for "
            f"{found.silent_for:.0f} s: see `tenure why {unit}`"
        )
    if found is not None and found.hook.running is not None:
        return (
            f"{unit} is busy: its hook {found.hook.running} was still running after "
            f"{format_duration(waited)}: see `tenure status`, and try again"
        )
    after = format_duration(waited)
    return f"{unit} did not answer within {after}: see `tenure why {unit}`, and try again"


def unit_in(status: Status, word: str) -> str:
    """The unit that `web/0` or `web/leader` means. Raises NotFound, Refused if nobody leads."""
    if word.endswith(LEADER):
        return leader_in(status, word.removesuffix(LEADER))
    check_unit(status, word)
    return word


def units_meant(status: Status, words: Iterable[str]) -> list[str]:
    """The units that `web`, `web/0` and `web/leader` mean, each once, as they were said.

    Raises NotFound, Refused if nobody leads.
    """
    found: dict[str, None] = {}
    for word in words:
        if "/" in word:
            found[unit_in(status, word)] = None
        else:
            found |= dict.fromkeys(sorted(application_in(status, word).units, key=split_unit))
    return list(found)


def units_named(words: Iterable[str], look: Callable[[], Status]) -> list[str]:
    """The units that `web/0` and `web/leader` mean, each once. Looks only for who leads: whether a
    unit is there, who is asked to do something with it says best.

    Raises NotFound, Refused if nobody leads.
    """
    found: dict[str, None] = {}
    for word in words:
        found[unit_in(look(), word) if word.endswith(LEADER) else word] = None
    return list(found)


def picked(status: Status, words: Iterable[str]) -> Status:
    """The status of nothing but what the words mean: `web` with all its units, or one of them.

    Raises NotFound, Refused if nobody leads.
    """
    units = set(units_meant(status, words))
    whole = {word for word in words if "/" not in word}
    found = {
        name: replace(application, units=_only(application, units))
        for name, application in status.applications.items()
        if name in whole or units & application.units.keys()
    }
    return replace(status, applications=found)


def _only(application: ApplicationStatus, units: Collection[str]) -> dict[str, UnitStatus]:
    return {unit: found for unit, found in application.units.items() if unit in units}


def leader_in(status: Status, name: str) -> str:
    """The unit that leads the application. Raises NotFound, Refused if none does."""
    leader = application_in(status, name).leader
    if leader is None:
        raise Refused(f"nobody leads {name} now: see `tenure why {name}`")
    return leader
