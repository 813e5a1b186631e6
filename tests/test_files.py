"""Files that are there whole or not at all, and locks that end with their holder."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path

import pytest

from tenure import files


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the disk was waited for, by name."""
    names: list[str] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        names.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)  # noqa: PTH115
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    return names


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_private_whatever_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "it").write_text("old")
    (tmp_path / "it.new").write_text("litter of one that was killed")
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    files.write_whole(tmp_path / "it", b"new")
    assert (tmp_path / "it").read_bytes() == b"new"
    assert (tmp_path / "it").stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["it"]


def test_a_durable_file_waits_for_its_content_and_its_name(
    tmp_path: Path, synced: list[str]
) -> None:
    """H5"""
    files.write_whole(tmp_path / "it", b"new")
    assert synced == ["it.new", tmp_path.name]


def test_a_file_that_need_not_last_waits_for_its_content_alone(
    tmp_path: Path, synced: list[str]
) -> None:
    """H5: a rename that outlived its content would leave an empty file after power loss."""
    files.write_whole(tmp_path / "it", b"new", durable=False)
    assert synced == ["it.new"]


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    """H5"""
    (tmp_path / "it").write_text("old")
    with pytest.raises(OSError, match="File too large"):
        files.write_whole(tmp_path / "it", b"longer than the disk has room for")
    assert names_in(tmp_path) == ["it"]
    assert (tmp_path / "it").read_text() == "old"


def test_no_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("keep")
    (tmp_path / "it.new").symlink_to("theirs")
    with pytest.raises(OSError, match="Too many levels"):
        files.write_whole(tmp_path / "it", b"new")
    assert (tmp_path / "theirs").read_text() == "keep"


def test_a_program_is_replaced_while_it_is_open(tmp_path: Path) -> None:
    files.put_program(tmp_path / "it", "old")
    with open(tmp_path / "it") as running:
        files.put_program(tmp_path / "it", "new")
        assert running.read() == "old"
    assert (tmp_path / "it").read_text() == "new"
    assert (tmp_path / "it").stat().st_mode & 0o777 == 0o755
    assert names_in(tmp_path) == ["it"]


def test_a_link_takes_the_place_of_whatever_is_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("elsewhere")
    (tmp_path / "same").symlink_to("target")
    before = (tmp_path / "same").lstat().st_ino
    for name in ("file", "link", "same", "none"):
        files.put_link(tmp_path / name, "target")
        assert (tmp_path / name).readlink() == Path("target")
    assert (tmp_path / "same").lstat().st_ino == before


def test_a_link_is_followed_only_if_it_may_be(tmp_path: Path, synced: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    files.sync(tmp_path / "folder", follow=False)
    files.sync(tmp_path / "link")
    assert synced == ["folder", "folder"]
    with pytest.raises(OSError, match="Too many levels"):
        files.sync(tmp_path / "link", follow=False)


def test_a_lock_names_its_holder_once_it_is_signed(tmp_path: Path) -> None:
    handle = files.lock(tmp_path / "lock")
    with pytest.raises(files.Held, match="unknown"):
        files.lock(tmp_path / "lock")
    files.sign(handle)
    with pytest.raises(files.Held) as caught:
        files.lock(tmp_path / "lock")
    assert caught.value.holder == str(os.getpid())
    os.close(handle)
    os.close(files.lock(tmp_path / "lock"))


def test_those_who_only_look_share_a_lock(tmp_path: Path) -> None:
    one, two, three = (files.open_lock(tmp_path / "lock") for _ in range(3))
    assert files.try_lock(one, shared=True)
    assert files.try_lock(two, shared=True)
    assert not files.try_lock(three)
    for handle in (one, two, three):
        os.close(handle)


def test_no_child_inherits_a_lock(tmp_path: Path) -> None:
    """L9"""
    handle = files.lock(tmp_path / "lock")
    assert not os.get_inheritable(handle)
    os.close(handle)


def test_turns_are_taken_one_after_the_other(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with files.turn(tmp_path / "lock"):
            order.append("second")

    waiter = threading.Thread(target=second)
    with files.turn(tmp_path / "lock"):
        waiter.start()
        order.append("first")
    waiter.join()
    assert order == ["first", "second"]


def test_one_file_system_can_be_waited_for(tmp_path: Path) -> None:
    """On Linux, with either C library."""
    assert files.sync_file_system(tmp_path)


def test_a_c_library_without_it_is_told_and_not_fatal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller has other ways."""
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not files.sync_file_system(tmp_path)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It is the caller's mistake, and not the C library's."""
    with pytest.raises(FileNotFoundError):
        files.sync_file_system(tmp_path / "gone")
