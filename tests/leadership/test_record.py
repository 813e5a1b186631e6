"""A unit's state gets to the disk when it must, and again when it could not."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tenure.core.localstate import LocalState
from tenure.leadership.record import Record
from tenure.leadership.statefile import StateFile

NEVER = float("-inf")
PATIENCE = 10.0


def of(runs: int) -> LocalState:
    """A state that its number tells apart."""
    return LocalState(unit="web/0", runs=runs)


class Desk:
    """A record whose disk can be taken away: its folder is gone for a while."""

    def __init__(self, tmp_path: Path) -> None:
        self.now = 100.0
        self.said: list[str] = []
        self.folder, self._away = tmp_path / "unit", tmp_path / "away"
        self.folder.mkdir()
        self.path = self.folder / "state"
        self.file = StateFile(self.path, LocalState)
        self.file.save(of(0))
        self.record = Record(of(0), self.file, lambda: self.now, self.said.append)

    def take_away(self) -> None:
        self.folder.rename(self._away)

    def bring_back(self) -> None:
        self._away.rename(self.folder)

    @property
    def kept(self) -> LocalState | None:
        assert self.file.settled(PATIENCE)
        return self.file.load()

    @property
    def stands(self) -> tuple[LocalState, float | None, float]:
        return self.record.state, self.record.save_at, self.record.hold_until

    @property
    def complaint(self) -> str:
        return f'cannot save "{self.path}": no such file or directory'


def no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a process may have no more of them."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_must_be_saved_is_so_only_once_it_is(desk: Desk) -> None:
    """H5"""
    assert desk.stands == (of(0), None, NEVER)
    desk.take_away()
    assert not desk.record.must_save(of(1))
    assert desk.stands == (of(0), 101.0, 101.0)
    assert desk.said == [desk.complaint]
    desk.bring_back()
    assert desk.kept == of(0)
    assert desk.record.must_save(of(1))
    assert (desk.stands, desk.kept) == ((of(1), None, 101.0), of(1))


@pytest.mark.parametrize("durable", [True, False])
def test_what_is_so_already_is_saved_again_in_a_second_if_that_failed(
    desk: Desk, durable: bool
) -> None:
    """H5"""
    desk.take_away()
    desk.record.remember(of(1), durable=durable)
    assert desk.stands == (of(1), 101.0, NEVER)
    desk.now = 100.5
    desk.record.settle_if_due(100.999)
    assert (desk.record.save_at, desk.said) == (101.0, [desk.complaint])
    desk.record.settle_if_due(101.0)
    assert (desk.record.save_at, desk.said) == (101.5, [desk.complaint] * 2)
    assert not desk.record.settle()
    desk.bring_back()
    desk.record.settle_if_due(101.5)
    assert (desk.stands, desk.kept) == ((of(1), None, NEVER), of(1))
    desk.record.remember(of(2), durable=durable)
    assert (desk.stands, desk.kept) == ((of(2), None, NEVER), of(2))


def test_what_is_as_it_was_is_not_saved(desk: Desk) -> None:
    """H5"""
    desk.take_away()
    desk.record.remember(of(0))
    assert (desk.stands, desk.said) == ((of(0), None, NEVER), [])


def test_what_is_remembered_waits_for_the_disk_only_where_it_must(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H5"""
    how: list[str] = []
    monkeypatch.setattr(StateFile, "save", lambda file, state: how.append("save"))
    monkeypatch.setattr(StateFile, "save_soon", lambda file, state: how.append("save_soon"))
    desk.record.remember(of(1))
    desk.record.remember(of(2), durable=False)
    assert how == ["save", "save_soon"]


def test_what_is_owed_is_saved_soon_for_its_own_sake_and_only_once(desk: Desk) -> None:
    """H5"""
    desk.record.owe(of(1))
    desk.now += 0.01
    desk.record.owe(of(2))
    assert (desk.stands, desk.kept) == ((of(2), 100.05, NEVER), of(0))
    desk.record.settle_if_due(100.04)
    assert desk.kept == of(0)
    assert desk.record.settle()
    assert (desk.stands, desk.kept) == ((of(2), None, NEVER), of(2))
    desk.take_away()
    assert desk.record.settle(), "there is nothing left to save"


def test_a_renewal_is_saved_beside_and_what_failed_there_is_due_in_a_second(desk: Desk) -> None:
    """U1"""
    desk.record.renew(of(1))
    assert (desk.stands, desk.kept) == ((of(1), None, NEVER), of(1))
    desk.take_away()
    desk.record.renew(of(2))
    assert desk.file.settled(PATIENCE)
    assert desk.stands == (of(2), None, NEVER)
    desk.record.settle_if_due(100.0)
    assert (desk.record.save_at, desk.said) == (101.0, [desk.complaint])
    desk.bring_back()
    desk.record.settle_if_due(101.0)
    assert (desk.stands, desk.kept) == ((of(2), None, NEVER), of(2))


def test_what_is_due_already_is_not_put_off_by_a_renewal_that_failed(desk: Desk) -> None:
    """H5, U1"""
    desk.record.owe(of(1))
    desk.take_away()
    desk.record.renew(of(2))
    assert desk.file.settled(PATIENCE)
    desk.record.settle_if_due(100.01)
    assert (desk.stands, desk.said) == ((of(2), 100.05, NEVER), [])


def test_a_renewal_that_no_thread_can_save_is_due_in_a_second(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U1: too many threads are no reason not to lead"""
    no_more_threads(monkeypatch)
    desk.record.renew(of(1))
    assert desk.stands == (of(1), 101.0, NEVER)
    assert desk.said == [f'cannot save "{desk.path}": can\'t start new thread']
    desk.record.settle_if_due(101.0)
    assert (desk.stands, desk.kept) == ((of(1), None, NEVER), of(1))
