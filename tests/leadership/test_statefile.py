"""What an agent keeps on disk is whole, or refused; never silently empty."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec import Struct

from tenure.errors import Refused
from tenure.leadership.statefile import (
    AlreadyRunning,
    StateFile,
    StateNotSaved,
    StateUnusable,
    instance_id,
    lock_folder,
)
from tests.support.patience import ending

PATIENCE = 10.0

SOURCE = Path(sys.modules[StateFile.__module__].__file__ or "").parents[2]


class Belief(Struct, frozen=True):
    term: int = 0
    unit: str = ""


class Other(Struct, frozen=True):
    term: int = 0


@pytest.fixture
def file(tmp_path: Path) -> StateFile[Belief]:
    return StateFile(tmp_path / "belief", Belief)


def test_state_never_saved_is_none(file: StateFile[Belief]) -> None:
    """H5"""
    assert file.load() is None


@pytest.mark.parametrize("how", ["save", "save_soon", "save_beside"])
def test_state_saved_is_read_back_by_the_next_agent(tmp_path: Path, how: str) -> None:
    """H4, H5"""
    file = StateFile(tmp_path / "belief", Belief)
    getattr(file, how)(Belief(1, "web/0"))
    getattr(file, how)(Belief(7, "wéb\n/0"))
    assert file.settled(PATIENCE)
    assert StateFile(tmp_path / "belief", Belief).load() == Belief(7, "wéb\n/0")
    assert [path.name for path in tmp_path.iterdir()] == ["belief"]
    assert (tmp_path / "belief").stat().st_mode & 0o777 == 0o600


def test_state_is_private_whatever_an_interrupted_save_left(
    tmp_path: Path, file: StateFile[Belief]
) -> None:
    """H5: a crash between write and rename leaves the old value, and harmless litter."""
    file.save(Belief(1))
    (tmp_path / "belief.new").write_text("half a val")
    (tmp_path / "belief.new").chmod(0o644)
    assert file.load() == Belief(1)
    file.save(Belief(2))
    assert file.load() == Belief(2)
    assert (tmp_path / "belief").stat().st_mode & 0o777 == 0o600


NO_STATE = "it is not a state file of Tenure, or it was cut short"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: b"", NO_STATE),
        (lambda content: content[:-1], "it is corrupt: its checksum differs"),
        (
            lambda content: content.replace(b'"term":7', b'"term":8'),
            "it is corrupt: its checksum differs",
        ),
        (lambda content: content + b"\n", "it is corrupt: its checksum differs"),
        (lambda content: b'{"term": 7}', NO_STATE),
        (lambda content: b"\x00" * len(content), NO_STATE),
        (
            lambda content: b"tenure state 1 Belief 1be7c827\nnewer",
            "it is of another version: JSON is malformed: invalid character (byte 4)",
        ),
    ],
    ids=["empty", "cut", "changed", "longer", "foreign", "zeroed", "newer"],
)
def test_damaged_state_is_refused_and_left_as_it_is(
    tmp_path: Path, file: StateFile[Belief], spoil: Callable[[bytes], bytes], reason: str
) -> None:
    """H4, H5"""
    file.save(Belief(7))
    path = tmp_path / "belief"
    spoiled = spoil(path.read_bytes())
    path.write_bytes(spoiled)
    with pytest.raises(StateUnusable) as caught:
        file.load()
    assert str(caught.value) == unusable(path, reason)
    assert path.read_bytes() == spoiled


def unusable(path: Path, reason: str) -> str:
    return (
        f'cannot use "{path}": {reason}; restore it from a backup, or move it away to start afresh'
    )


def test_state_of_another_kind_is_refused(tmp_path: Path, file: StateFile[Belief]) -> None:
    """H5: it would decode well, since every field has a default."""
    StateFile(tmp_path / "belief", Other).save(Other(3))
    with pytest.raises(StateUnusable) as caught:
        file.load()
    assert str(caught.value) == unusable(tmp_path / "belief", "it holds Other, not Belief")


def test_state_that_cannot_be_read_is_no_empty_state(tmp_path: Path) -> None:
    """H5"""
    (tmp_path / "belief").mkdir()
    with pytest.raises(StateUnusable) as caught:
        StateFile(tmp_path / "belief", Belief).load()
    assert str(caught.value) == f'cannot read "{tmp_path}/belief": is a directory'


def stuck_disk(tmp_path: Path) -> Path:
    """The next save hangs where it opens its new file, until somebody reads what is written."""
    new = tmp_path / "belief.new"
    os.mkfifo(new)
    return new


def in_time(do: Callable[[], object]) -> bool:
    """Whether it came back, though the disk hangs."""

    def doing_it() -> None:
        with suppress(StateNotSaved):
            do()

    doing = threading.Thread(target=doing_it, daemon=True)
    doing.start()
    doing.join(PATIENCE)
    return not doing.is_alive()


def taken_up(file: StateFile[Belief]) -> None:
    """Until the thread writes what it was given."""
    turn = threading.Event()
    while file._next is not None:
        turn.wait(0.001)


def keeps_nobody_waiting(tmp_path: Path, file: StateFile[Belief]) -> None:
    file.save(Belief(1))
    new = stuck_disk(tmp_path)
    came_back = in_time(lambda: file.save_beside(Belief(2))) and in_time(lambda: taken_up(file))
    came_back = came_back and in_time(lambda: file.save_beside(Belief(3)))
    with new.open("rb") as reader:  # the disk goes on; what was written to it cannot be synced
        reader.read()
    assert came_back and file.settled(PATIENCE)


def test_what_is_saved_beside_keeps_nobody_waiting_for_the_disk(
    tmp_path: Path, file: StateFile[Belief]
) -> None:
    """U1: nor does a second one; the newest value is there in the end"""
    keeps_nobody_waiting(tmp_path, file)
    assert file.load() == Belief(3)
    assert file.fault() is None, "the one that hung failed, and the next one mended it"


def test_what_could_not_be_saved_beside_is_told_once_and_the_next_value_is_saved(
    tmp_path: Path, file: StateFile[Belief]
) -> None:
    """U1, H5"""
    new = stuck_disk(tmp_path)
    file.save_beside(Belief(1))
    with new.open("rb") as reader:
        reader.read()
    assert file.settled(PATIENCE)
    fault = file.fault()
    assert fault is not None and f'cannot save "{tmp_path / "belief"}"' in str(fault)
    assert file.fault() is None
    file.save_beside(Belief(2))
    assert file.settled(PATIENCE) and file.load() == Belief(2) and file.fault() is None


def test_a_guard_that_is_taken_away_makes_the_loop_wait_for_the_disk(
    tmp_path: Path, file: StateFile[Belief], monkeypatch: pytest.MonkeyPatch
) -> None:
    """U1: the test above would find it"""
    monkeypatch.setattr("tests.leadership.test_statefile.PATIENCE", 0.2)
    monkeypatch.setattr(StateFile, "save_beside", StateFile.save)
    with pytest.raises(AssertionError):
        keeps_nobody_waiting(tmp_path, file)


def test_what_must_be_durable_is_never_overtaken_by_an_older_value(
    tmp_path: Path, file: StateFile[Belief]
) -> None:
    """U1, H5: it waits for the one that hangs"""
    new = stuck_disk(tmp_path)
    file.save_beside(Belief(1))
    assert in_time(lambda: taken_up(file))
    saving = threading.Thread(target=file.save, args=(Belief(2),), daemon=True)
    saving.start()
    with new.open("rb") as reader:
        reader.read()
    saving.join(PATIENCE)
    assert not saving.is_alive() and file.settled(PATIENCE)
    assert file.load() == Belief(2)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_says_so_and_keeps_the_old_state(
    tmp_path: Path, file: StateFile[Belief]
) -> None:
    """H5"""
    with pytest.raises(StateNotSaved, match=r"cannot save .*: file too large"):
        file.save(Belief(2))
    assert file.load() is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    """H5"""
    with pytest.raises(StateNotSaved) as caught:
        StateFile(tmp_path / "gone" / "belief", Belief).save(Belief())
    assert str(caught.value) == f'cannot save "{tmp_path}/gone/belief": no such file or directory'


@pytest.mark.parametrize(
    ("save", "synced"), [("save", True), ("save_soon", False), ("save_beside", False)]
)
def test_a_save_waits_for_the_folder_only_where_its_value_must_survive_power_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save: str, synced: bool
) -> None:
    """H5"""
    how: list[bool] = []
    monkeypatch.setattr(
        "tenure.leadership.statefile.write_whole",
        lambda path, content, *, durable: how.append(durable),
    )
    file = StateFile(tmp_path / "belief", Belief)
    getattr(file, save)(Belief(1))
    assert file.settled(PATIENCE) and how == [synced]


def test_a_thread_that_cannot_begin_is_told_at_once_and_the_next_one_saves(
    tmp_path: Path, file: StateFile[Belief], monkeypatch: pytest.MonkeyPatch
) -> None:
    """U1"""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(StateNotSaved) as caught:
            file.save_beside(Belief(1))
    assert str(caught.value) == f'cannot save "{tmp_path}/belief": can\'t start new thread'
    file.save_beside(Belief(2))
    assert file.settled(PATIENCE) and file.load() == Belief(2)


def test_a_fault_of_our_own_beside_is_told_and_the_next_value_is_saved(
    tmp_path: Path, file: StateFile[Belief], monkeypatch: pytest.MonkeyPatch
) -> None:
    """U1, H5"""

    def falls(path: Path, content: bytes, *, durable: bool) -> None:
        raise KeyError("odd")

    with monkeypatch.context() as patch:
        patch.setattr("tenure.leadership.statefile.write_whole", falls)
        file.save_beside(Belief(1))
        assert file.settled(PATIENCE)
    told = f"cannot save \"{tmp_path}/belief\": internal fault: KeyError('odd')"
    assert [str(file.fault()), file.fault()] == [told, None]
    file.save_beside(Belief(2))
    assert file.settled(PATIENCE) and file.load() == Belief(2)


def test_a_save_makes_up_for_what_failed_beside(tmp_path: Path, file: StateFile[Belief]) -> None:
    """H5"""
    new = stuck_disk(tmp_path)
    file.save_beside(Belief(1))
    assert not file.settled(0.01), "it hangs"
    assert file._writer is not None and file._writer.daemon, "no process waits for it to end"
    with new.open("rb") as reader:
        reader.read()
    assert file.settled(PATIENCE)
    file.save(Belief(2))
    assert file.fault() is None


def test_a_folder_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path) -> None:
    """L9: and one that is made is private"""
    (tmp_path / "a-file").touch()
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "lock").mkdir()
    told: list[str] = []
    for folder in (tmp_path / "a-file", tmp_path / "locked"):
        with pytest.raises(StateUnusable) as caught:
            lock_folder(folder, "the agent of web/0")
        told.append(str(caught.value))
    assert told == [
        f'cannot use the folder "{tmp_path}/a-file": file exists',
        f'cannot lock the folder "{tmp_path}/locked": is a directory',
    ]
    os.close(lock_folder(tmp_path / "new" / "web-0", "the agent of web/0"))
    assert (tmp_path / "new" / "web-0").stat().st_mode & 0o777 == 0o700


def test_one_process_at_a_time_uses_a_folder(tmp_path: Path) -> None:
    """L9"""
    lock = lock_folder(tmp_path / "web-0", "the agent of web/0")
    try:
        with pytest.raises(AlreadyRunning) as caught:
            lock_folder(tmp_path / "web-0", "the agent of web/0")
    finally:
        os.close(lock)
    assert isinstance(caught.value, Refused)
    assert str(caught.value) == (
        f'the agent of web/0 already runs in "{tmp_path}/web-0" (pid {os.getpid()}): '
        "stop it first, or use another folder"
    )
    os.close(lock_folder(tmp_path / "web-0", "the agent of web/0"))


def test_a_killed_process_frees_its_folder_although_its_children_live(tmp_path: Path) -> None:
    """L9: no child inherits the lock."""
    script = (
        "import subprocess, sys, time, pathlib\n"
        "from tenure.leadership.statefile import lock_folder\n"
        "lock_folder(pathlib.Path(sys.argv[1]), 'it')\n"
        "child = subprocess.Popen(['sleep', '60'], close_fds=False)\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with ending(
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )
    ) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        try:
            with pytest.raises(AlreadyRunning, match=f"pid {owner.pid}"):
                lock_folder(tmp_path, "it")
            owner.kill()
            owner.wait()
            os.close(lock_folder(tmp_path, "it"))
        finally:
            owner.kill()
            os.kill(child, signal.SIGKILL)


def test_an_instance_keeps_its_random_id(tmp_path: Path) -> None:
    """L9"""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = instance_id(tmp_path / "a")
    assert len(bytes.fromhex(first)) == 16
    assert instance_id(tmp_path / "a") == first != instance_id(tmp_path / "b")


@pytest.mark.parametrize("content", ["", "web/0\n", "ab" * 17])
def test_a_damaged_instance_id_is_refused(tmp_path: Path, content: str) -> None:
    """L9"""
    (tmp_path / "instance").write_text(content)
    with pytest.raises(StateUnusable) as caught:
        instance_id(tmp_path)
    assert str(caught.value) == (
        f'cannot use "{tmp_path}/instance": it does not hold an instance id; remove it to become a '
        "new instance, which waits until the old one cannot lead any more"
    )


def test_an_instance_id_that_cannot_be_read_or_made_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    """L9"""
    (tmp_path / "instance").write_bytes(b"\xff")
    with pytest.raises(StateUnusable) as unreadable:
        instance_id(tmp_path)
    with pytest.raises(StateNotSaved) as unmade:
        instance_id(tmp_path / "gone")
    assert [str(caught.value) for caught in (unreadable, unmade)] == [
        f"cannot read \"{tmp_path}/instance\": 'ascii' codec can't decode byte 0xff in position 0: "
        "ordinal not in range(128)",
        f'cannot save "{tmp_path}/gone/instance": no such file or directory',
    ]


def test_a_new_instance_id_is_durable_before_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L9"""
    written: list[tuple[Path, bytes, bool]] = []
    monkeypatch.setattr(
        "tenure.leadership.statefile.write_whole",
        lambda path, content, *, durable: written.append((path, content, durable)),
    )
    made = instance_id(tmp_path)
    assert written == [(tmp_path / "instance", f"{made}\n".encode(), True)]
