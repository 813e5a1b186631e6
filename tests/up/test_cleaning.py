"""What is of no use goes, and nothing else; wherever a cleaning was interrupted."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tenure.charms.holding import Hold, held_source
from tenure.files import lock
from tenure.statefolder import StateFolder
from tenure.up.cleaning import MAX_LOG, MOST_LOGS, Cleaner, shorten
from tenure.wire.operators import CharmStatus, Event, Status
from tests.up.test_plan import application, status

OLD, NEW = "0" * 32, "1" * 32


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    made = StateFolder(tmp_path / "s")
    made.ensure()
    return made


def prepared(folder: StateFolder, name: str) -> Path:
    """A charm that was unpacked, with a folder that nobody may write to."""
    path = folder.charms_folder / name
    (path / "hooks").mkdir(parents=True)
    (path / "hooks/install").touch()
    (path / "hooks").chmod(0o500)
    return path


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def runs(*names: str) -> Callable[[], Status]:
    """The controller knows of an application for each of these charms."""
    given = {
        f"app{number}": application(charm=CharmStatus(source=f"charms/{name}", revision=1))
        for number, name in enumerate(names)
    }
    return lambda: status(**given)


def with_units(*units: str) -> Callable[[], Status]:
    """The controller knows of these units."""
    return lambda: status(web=replace(application(), units=dict.fromkeys(units)))  # type: ignore[arg-type]


def lived(folder: StateFolder, unit: str, *, left: bool = True) -> Path:
    """The folder of a unit whose agent has ended."""
    path = folder.unit_folder(unit)
    (path / "charm").mkdir(parents=True)
    (path / "lock").touch()
    folder.unit_log(unit).write_text(f"log of {unit}\n")
    folder.unit_log(unit).with_name("log.1").write_text(f"older log of {unit}\n")
    if left:
        folder.left_mark(unit).touch()
    return path


def test_a_charm_that_no_application_has_goes(folder: StateFolder) -> None:
    old, new = prepared(folder, OLD), prepared(folder, NEW)
    assert Cleaner(folder).clean(runs(NEW))
    assert new.exists() and not old.exists()
    assert names_in(folder.charms_folder) == {".held", NEW}


def test_an_earlier_versions_absolute_path_counts_as_used(folder: StateFolder) -> None:
    used = prepared(folder, OLD)
    given = application(charm=CharmStatus(source=f"/moved/away/charms/{OLD}", revision=1))
    Cleaner(folder).clean(lambda: status(web=given))
    assert used.exists()


def test_no_charm_goes_while_it_is_prepared_or_copied(folder: StateFolder) -> None:
    old = prepared(folder, OLD)
    hold = Hold(folder.charms_folder)
    assert not Cleaner(folder).clean(runs())
    assert old.exists()
    hold.release()
    with held_source(old):
        assert not Cleaner(folder).clean(runs())
        assert old.exists()
    assert Cleaner(folder).clean(runs())
    assert not old.exists()


def test_the_controller_is_asked_once_nobody_can_hand_in_a_charm(folder: StateFolder) -> None:
    """One that was handed in just before is known by then."""
    prepared(folder, OLD)
    asked = []

    def look() -> Status:
        asked.append(_is_alone(folder))
        return runs(OLD)()

    Cleaner(folder).clean(look)
    assert asked == [True] and (folder.charms_folder / OLD).exists()


def _is_alone(folder: StateFolder) -> bool:
    with open(folder.charms_folder / ".held", "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_what_an_interrupted_cleaning_left_goes(folder: StateFolder) -> None:
    (folder.charms_folder / f".going-{OLD}").mkdir(parents=True)
    (folder.units_folder / ".going-web-0" / "charm").mkdir(parents=True)
    Cleaner(folder).clean(runs())
    assert not names_in(folder.units_folder)
    assert names_in(folder.charms_folder) == {".held"}


def test_a_removed_unit_leaves_its_log_and_nothing_else(folder: StateFolder) -> None:
    """L9: a unit that is there, or whose agent is, keeps all"""
    gone, there, busy = (lived(folder, f"web/{number}") for number in range(3))
    handle = lock(busy / "lock")
    cleaner = Cleaner(folder)
    assert not cleaner.clean(with_units("web/1"))
    assert not gone.exists() and there.exists() and busy.exists()
    assert folder.removed_log("web/0").read_text() == "log of web/0\n"
    assert folder.removed_log("web/0").with_name("web-0.log.1").exists()
    os.close(handle)
    assert cleaner.clean(with_units("web/1"))
    assert not busy.exists()


def test_a_unit_that_an_older_copy_of_the_store_does_not_know_keeps_its_folder(
    folder: StateFolder,
) -> None:
    """G8: nobody saw it leave"""
    kept = lived(folder, "web/3", left=False)
    cleaner = Cleaner(folder)
    assert cleaner.clean(with_units("web/0"))
    assert kept.exists()
    assert cleaner.clean(with_units("web/0", "web/3"))
    assert cleaner.clean(with_units("web/0"))
    assert kept.exists(), "the store may have been put back while `up` runs"


def said(kind: str, unit: str | None = None) -> Event:
    return Event(at="", application="web", kind=kind, text="", unit=unit)


def test_a_unit_without_an_agent_leaves_no_folder_once_its_removal_is_durable(
    folder: StateFolder,
) -> None:
    """L9: the controller said so"""
    gone, there = (lived(folder, f"web/{number}", left=False) for number in range(2))
    cleaner = Cleaner(folder)
    cleaner.heard(said("unit-removed", "web/0"))
    assert cleaner.clean(with_units("web/1"))
    assert not gone.exists() and there.exists()


def test_a_removed_applications_units_leave_no_folder_and_those_that_came_after_it_keep_theirs(
    folder: StateFolder,
) -> None:
    """L9, G8: also where a store is put back later that does not know of those"""
    gone, later = (lived(folder, f"web/{number}", left=False) for number in range(2))
    other = lived(folder, "web-db/0", left=False)
    cleaner = Cleaner(folder)
    cleaner.heard(said("removed"))
    assert cleaner.clean(with_units("web/1"))
    assert not gone.exists()
    assert cleaner.clean(with_units())
    assert later.exists() and other.exists()


DOUBTS = {
    "all": lambda known: replace(
        known, controller=replace(known.controller, unsure="the disk is full")
    ),
    "another application": lambda known: replace(
        known,
        applications=known.applications
        | {"db": replace(application(), lease=replace(application().lease, unsure="disk full"))},
    ),
}


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
def test_nothing_goes_while_the_controller_is_unsure(
    folder: StateFolder, doubt: Callable[[Status], Status]
) -> None:
    """G7, G8: what it does not show may be there all the same"""
    charm, unit = prepared(folder, OLD), lived(folder, "web/0")
    cleaner = Cleaner(folder)
    cleaner.heard(said("unit-removed", "web/0"))
    assert cleaner.clean(lambda: doubt(runs(NEW)())) is False
    assert charm.exists() and unit.exists()
    assert cleaner.clean(runs(NEW))
    assert not charm.exists() and not unit.exists(), "it is known by now"


def test_no_unit_goes_while_the_controller_is_unsure_also_where_no_charm_was_prepared(
    folder: StateFolder,
) -> None:
    """G7, G8"""
    unit = lived(folder, "web/0")
    assert Cleaner(folder).clean(lambda: DOUBTS["all"](with_units()())) is False
    assert unit.exists()


def test_the_logs_of_the_units_that_left_last_are_kept(folder: StateFolder) -> None:
    for number in range(MOST_LOGS + 3):
        lived(folder, f"web/{number}")
        os.utime(folder.unit_log(f"web/{number}"), (number, number))
        os.utime(folder.unit_log(f"web/{number}").with_name("log.1"), (number, number))
    Cleaner(folder).clean(with_units())
    kept = sorted(path.name for path in folder.removed_folder.glob("*.log"))
    assert len(kept) == MOST_LOGS and "web-2.log" not in kept and "web-3.log" in kept


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "up.log"


def test_a_long_log_is_put_aside_while_somebody_writes_to_it(log: Path) -> None:
    with open(log, "ab", buffering=0) as file:
        file.write(b"a" * 100 + b"b" * MAX_LOG)
        shorten(log)
        file.write(b"next\n")
    assert log.read_bytes() == b"next\n"
    assert log.with_name("up.log.1").read_bytes() == b"b" * MAX_LOG


def test_a_log_of_ordinary_length_is_left_alone(log: Path) -> None:
    shorten(log)
    log.write_bytes(b"a" * MAX_LOG)
    shorten(log)
    assert log.stat().st_size == MAX_LOG and not log.with_name("up.log.1").exists()
