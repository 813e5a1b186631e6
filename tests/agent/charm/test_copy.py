"""A charm's folder, its hooks, and the copy that each unit keeps of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tenure.agent.charm.copy import (
    CharmError,
    CopyInterrupted,
    Manifest,
    check_charm,
    default_name,
    find_hook,
    refresh_copy,
)
from tenure.errors import BadName
from tenure.leadership.statefile import StateFile, StateUnusable
from tests.support.patience import HANG


def write(path: Path, content: str = "#!/bin/sh\n", mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)
    return path


def make_source(tmp_path: Path) -> Path:
    write(tmp_path / "source/hooks/install")
    write(tmp_path / "source/lib/web.py", "version = 1\n", 0o644)
    return tmp_path / "source"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_source(tmp_path)


class Unit:
    """A unit's copy of the charm, and what refreshing it says."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.source = source
        self.copy = folder / "charm"
        self.manifest = folder / "manifest"

    def refresh(self) -> list[str]:
        return refresh_copy(self.source, self.copy, self.manifest)


def new_unit(tmp_path: Path) -> Unit:
    """A unit that has copied the charm."""
    unit = Unit(make_source(tmp_path), tmp_path)
    unit.refresh()
    return unit


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return new_unit(tmp_path)


def test_hooks_or_a_dispatch_make_a_charm(tmp_path: Path, source: Path) -> None:
    """H6"""
    check_charm(source)
    write(tmp_path / "other/dispatch")
    check_charm(tmp_path / "other")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, 'is not a charm: put an executable "dispatch" there, or a folder "hooks"'),
        ({"hooks/instal": 0o644}, 'hooks/instal is not executable: run chmod .x ".*/instal"'),
        ({"hooks/lib/x": 0o755}, "is not a charm"),
    ],
)
def test_what_is_no_charm_is_told_what_it_lacks(
    tmp_path: Path, files: dict[str, int], says: str
) -> None:
    """H6"""
    (tmp_path / "c").mkdir()
    for name, mode in files.items():
        write(tmp_path / "c" / name, mode=mode)
    with pytest.raises(CharmError, match=says):
        check_charm(tmp_path / "c")


def test_a_charm_that_is_no_folder_is_told_so(tmp_path: Path) -> None:
    """H6"""
    with pytest.raises(CharmError, match="does not exist: name the folder"):
        check_charm(tmp_path / "gone")
    with pytest.raises(CharmError, match="is not a folder"):
        check_charm(write(tmp_path / "file"))


@pytest.mark.parametrize(
    ("folder", "metadata", "name"),
    [
        ("web", None, "web"),
        ("My_App.2", None, "my-app2"),
        ("01-web-2", None, "web2"),
        ("x", "name: web\nsummary: 2026-99-99\n", "web"),
        ("x", "summary: none\n", "x"),
        ("x", "", "x"),
        ("x", "name:\n", "x"),
    ],
)
def test_an_application_is_named_after_its_charm(
    tmp_path: Path, folder: str, metadata: str | None, name: str
) -> None:
    """H9"""
    (tmp_path / folder).mkdir()
    if metadata is not None:
        write(tmp_path / folder / "metadata.yaml", metadata)
    assert default_name(tmp_path / folder) == name


def test_charmcraft_names_a_charm_too(tmp_path: Path) -> None:
    """H9"""
    write(tmp_path / "metadata.yaml", "summary: no name here\n")
    write(tmp_path / "charmcraft.yaml", "name: db\n")
    assert default_name(tmp_path) == "db"


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ("name: web\n  bad: [\n", r'metadata.yaml" line 2: '),
        ("- a\n- b\n", "line 1: it must hold a mapping"),
        ("name: \x01\n", "(control|special) characters are not allowed"),
        ("[" * 1000, "metadata.yaml"),
    ],
    ids=["syntax", "list", "control", "deep"],
)
def test_broken_metadata_names_file_and_line(tmp_path: Path, metadata: str, says: str) -> None:
    """H9"""
    write(tmp_path / "metadata.yaml", metadata)
    with pytest.raises(CharmError, match=says):
        default_name(tmp_path)


def test_a_name_that_nothing_can_be_made_of_is_refused(tmp_path: Path) -> None:
    """H9"""
    (tmp_path / "42").mkdir()
    with pytest.raises(BadName, match="'42' gives no application name: name the application"):
        default_name(tmp_path / "42")


def test_dispatch_wins_over_hooks(source: Path) -> None:
    """H6"""
    assert find_hook(source, "install") == (f"{source}/hooks/install",)
    dispatch = write(source / "dispatch")
    assert find_hook(source, "install") == (str(dispatch),)
    assert find_hook(source, "anything") == (str(dispatch),)
    dispatch.chmod(0o644)
    assert find_hook(source, "install") == (f"{source}/hooks/install",)


def test_a_missing_hook_is_none_and_a_broken_one_is_an_error(source: Path) -> None:
    """H6"""
    assert find_hook(source, "start") is None
    write(source / "hooks/start", mode=0o644)
    with pytest.raises(CharmError, match=r"hooks/start is not executable"):
        find_hook(source, "start")
    (source / "hooks/stop").mkdir()
    with pytest.raises(CharmError, match="hooks/stop is not a file"):
        find_hook(source, "stop")


def test_the_copy_is_whole_private_and_writable(source: Path, tmp_path: Path) -> None:
    """H9"""
    write(source / ".git/config")
    write(source / "read-only", mode=0o444)
    (source / "empty").mkdir(mode=0o555)
    (source / "hooks/start").symlink_to("install")
    (source / "out").symlink_to("/etc/passwd")
    (source / "broken").symlink_to("nowhere")
    os.mkfifo(source / "fifo")
    unit = Unit(source, tmp_path)
    assert unit.refresh() == [f'copied 9 files and folders from "{source}"']
    names = sorted(str(each.relative_to(unit.copy)) for each in unit.copy.rglob("*"))
    assert names == [
        "broken", "empty", "hooks", "hooks/install", "hooks/start", "lib", "lib/web.py", "out",
        "read-only", "revision",
    ]  # fmt: skip
    assert unit.copy.stat().st_mode & 0o777 == 0o700
    assert (unit.copy / "hooks/install").stat().st_mode & 0o777 == 0o755
    assert (unit.copy / "read-only").stat().st_mode & 0o777 == 0o644
    assert (unit.copy / "out").readlink() == Path("/etc/passwd")
    assert unit.refresh() == []


def test_a_refresh_follows_the_source(unit: Unit) -> None:
    """H9"""
    write(unit.source / "lib/web.py", "version = 2\n", 0o644)
    write(unit.source / "hooks/start")
    (unit.source / "hooks/install").unlink()
    assert unit.refresh() == [
        "removed hooks/install", "added hooks/start", "updated lib/web.py",
    ]  # fmt: skip
    assert (unit.copy / "lib/web.py").read_text() == "version = 2\n"
    (unit.source / "hooks/start").chmod(0o700)
    assert unit.refresh() == ["updated hooks/start"]
    assert (unit.copy / "hooks/start").stat().st_mode & 0o777 == 0o700
    assert unit.refresh() == []


def test_a_refresh_writes_the_charms_files_whole(unit: Unit) -> None:
    """P3: whatever a hook made of them"""
    write(unit.copy / "lib/web.py", "version = 'mine'\n", 0o600)
    write(unit.copy / "hooks/start", "mine")
    (unit.copy / "hooks/install").unlink()
    write(unit.source / "lib/web.py", "version = 2\n", 0o644)
    write(unit.source / "hooks/start", "theirs")
    assert unit.refresh() == [
        "added hooks/install",
        "updated hooks/start",
        "updated lib/web.py, which a hook had changed",
    ]
    assert contents(unit.copy) == contents(unit.source)
    assert (unit.copy / "lib/web.py").stat().st_mode & 0o777 == 0o644
    assert unit.refresh() == []


def test_a_refresh_to_the_same_charm_writes_it_whole_too(unit: Unit) -> None:
    """P3: a unit whose copy was swept away has it again"""
    shutil.rmtree(unit.copy / "hooks")
    write(unit.copy / "lib/web.py", "version = 'mine'\n")
    unit.refresh()
    assert contents(unit.copy) == contents(unit.source)
    shutil.rmtree(unit.copy)
    unit.refresh()
    assert contents(unit.copy) == contents(unit.source)


def test_what_is_not_the_charms_stays(unit: Unit) -> None:
    """P3, H9: what hooks made, also in folders of the charm"""
    write(unit.copy / "venv/bin/python")
    write(unit.copy / "lib/cache", "made")
    shutil.rmtree(unit.source / "lib")
    write(unit.source / "src/web.py")
    assert unit.refresh() == ["removed lib/web.py", "added src", "added src/web.py"]
    assert (unit.copy / "venv/bin/python").exists()
    assert (unit.copy / "lib/cache").read_text() == "made"


def test_a_file_that_the_new_charm_lacks_goes_although_a_hook_changed_it(unit: Unit) -> None:
    """P3"""
    write(unit.copy / "lib/web.py", "version = 'mine'\n")
    (unit.source / "lib/web.py").unlink()
    assert unit.refresh() == ["removed lib/web.py"]
    assert not (unit.copy / "lib/web.py").exists()


@pytest.mark.parametrize("hook_made", ["file", "link", "broken link", "folder", "fifo"])
@pytest.mark.parametrize("wanted", ["file", "link", "folder"])
def test_whatever_stands_where_the_charm_has_something_makes_room(
    unit: Unit, tmp_path: Path, hook_made: str, wanted: str
) -> None:
    """P3"""
    kept = write(tmp_path / "elsewhere/kept", "kept")
    make(unit.copy / "thing", hook_made, kept)
    make(unit.source / "thing", wanted, Path("hooks/install"))
    unit.refresh()
    assert kept.read_text() == "kept"
    assert contents(unit.copy) == contents(unit.source)
    assert (unit.copy / "thing").is_symlink() == (wanted == "link")
    assert unit.refresh() == []


def make(path: Path, kind: str, target: Path) -> None:
    """One of the things that may be at a path."""
    if kind == "file":
        write(path, "a file")
    elif kind == "folder":
        write(path / "below/deep", "in a folder")
        (path / "below").chmod(0o500)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(target if kind == "link" else "nowhere")


def test_a_folder_that_a_hook_closed_is_written_to(unit: Unit) -> None:
    """P3"""
    (unit.copy / "lib").chmod(0o500)
    write(unit.source / "lib/web.py", "version = 2\n", 0o644)
    unit.refresh()
    assert contents(unit.copy) == contents(unit.source)


def test_hooks_that_nobody_may_execute_can_be_run_in_the_copy(tmp_path: Path) -> None:
    """H6: known hooks and actions, as Juju's packer has it"""
    source = tmp_path / "source"
    write(source / "metadata.yaml", "name: web\nrequires: {db: {interface: x}}\n", 0o644)
    write(source / "actions.yaml", "backup: {}\n", 0o644)
    names = ("hooks/install", "hooks/db-relation-changed", "actions/backup")
    others = ("hooks/helper.py", "hooks/peers-relation-changed", "actions/other")
    for name in (*names, *others):
        write(source / name, mode=0o644)
    unit = Unit(source, tmp_path)
    unit.refresh()
    assert all(os.access(unit.copy / name, os.X_OK) for name in names)
    assert not any(os.access(unit.copy / name, os.X_OK) for name in others)
    assert not os.access(source / "hooks/install", os.X_OK)
    assert unit.refresh() == []


def test_files_and_folders_may_change_places(unit: Unit) -> None:
    """H9"""
    shutil.rmtree(unit.source / "lib")
    write(unit.source / "lib", "now a file")
    (unit.source / "hooks/install").unlink()
    write(unit.source / "hooks/install/really")
    unit.refresh()
    assert (unit.copy / "lib").read_text() == "now a file"
    assert (unit.copy / "hooks/install/really").exists()
    assert unit.refresh() == []


def test_nothing_is_written_or_removed_through_a_link(unit: Unit, tmp_path: Path) -> None:
    """H9"""
    elsewhere = write(tmp_path / "elsewhere/web.py", "version = 1\n", 0o644)
    shutil.rmtree(unit.copy / "lib")
    (unit.copy / "lib").symlink_to(elsewhere.parent)
    write(unit.source / "lib/web.py", "version = 2\n")
    write(unit.source / "lib/new.py")
    unit.refresh()
    shutil.rmtree(unit.source / "lib")
    unit.refresh()
    assert elsewhere.read_text() == "version = 1\n"
    assert list(elsewhere.parent.iterdir()) == [elsewhere]


@pytest.mark.parametrize("steps", range(1, 9))
@pytest.mark.parametrize("first", [True, False])
def test_an_interrupted_refresh_is_finished_by_the_next(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int, first: bool
) -> None:
    """H9: also when the source has moved on meanwhile, and wherever it was interrupted."""
    unit = Unit(source, tmp_path)
    if not first:
        unit.refresh()
    change_everything(source, "version = 2\n")
    with monkeypatch.context() as patch:
        interrupt_after(patch, steps)
        with suppress(KeyboardInterrupt):
            unit.refresh()
    change_everything(source, "version = 3\n")
    unit.refresh()
    assert contents(unit.copy) == contents(source)
    assert unit.refresh() == []


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("moves_on", [True, False])
def test_a_refresh_that_may_not_go_on_is_finished_by_the_next(
    source: Path, tmp_path: Path, first: bool, moves_on: bool
) -> None:
    """H9: whichever file it was at, read, put or removed."""
    for step in range(1000):
        unit = Unit(source, tmp_path / f"{step}")
        if not first:
            unit.refresh()
        change_everything(source, "version = 2\n")
        try:
            refresh_copy(source, unit.copy, unit.manifest, 0, times(step))
        except CopyInterrupted:
            change_everything(source, "version = 3\n") if moves_on else None
            unit.refresh()
            assert contents(unit.copy) == contents(source)
            assert unit.refresh() == []
        else:
            break
    assert step > 10
    assert contents(unit.copy) == contents(source)


def test_what_an_interrupted_refresh_put_is_waited_for_by_the_next(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H9: else the manifest would promise what the disk never got."""
    unit = Unit(source, tmp_path)
    with pytest.raises(CopyInterrupted, match=r"was interrupted at .*: the next refresh goes on"):
        refresh_copy(
            source, unit.copy, unit.manifest, 0,
            lambda: not (unit.copy / "hooks/install").exists(),
        )  # fmt: skip
    synced: list[int] = []
    fsync = os.fsync

    def seen(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", seen)
    unit.refresh()
    assert (unit.copy / "hooks/install").stat().st_ino in synced


def test_a_refresh_does_not_wait_for_the_whole_machine(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H9: other file systems may be slow."""
    monkeypatch.delattr(os, "sync")
    for number in range(20):
        write(source / f"lib/{number}.py")
    unit = Unit(source, tmp_path)
    unit.refresh()
    assert contents(unit.copy) == contents(source)


def test_what_an_interrupted_refresh_put_is_the_charms(unit: Unit) -> None:
    """P3: so it goes if the source has it no more by then"""
    write(unit.source / "lib/new.py")
    new = unit.copy / "lib/new.py"
    with pytest.raises(CopyInterrupted):
        refresh_copy(unit.source, unit.copy, unit.manifest, 0, lambda: not new.exists())
    assert new.exists()
    (unit.source / "lib/new.py").unlink()
    assert unit.refresh() == ["removed lib/new.py"]


def times(count: int) -> Callable[[], bool]:
    """Yes, as often as this, and then no."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


def change_everything(source: Path, text: str) -> None:
    write(source / "lib/web.py", text)
    write(source / f"new-{len(text)}-{text[-2]}", text)
    if (source / "hooks/install").is_file():
        (source / "hooks/install").unlink()
        write(source / "hooks/install/really", text)
    else:
        shutil.rmtree(source / "hooks/install")
        write(source / "hooks/install", text)


def contents(top: Path) -> dict[str, str]:
    """Of all files, but the one that a copy is given."""
    return {
        str(path.relative_to(top)): path.read_text()
        for path in top.rglob("*")
        if path.is_file() and path != top / "revision"
    }


def interrupt_after(patch: pytest.MonkeyPatch, steps: int) -> None:
    """The machine stops before the n-th change that a refresh makes to a folder."""
    left = steps

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            return change(*args, **kwargs)

        return changed

    for name in ("rename", "unlink", "rmdir", "chmod"):
        patch.setattr(Path, name, counted(getattr(Path, name)))


def test_a_damaged_manifest_is_no_empty_one(unit: Unit) -> None:
    """H9"""
    unit.manifest.write_text("{}")
    with pytest.raises(StateUnusable, match="manifest"):
        unit.refresh()


def test_a_charm_that_cannot_be_copied_says_why(unit: Unit, tmp_path: Path) -> None:
    """H9"""
    with pytest.raises(CharmError, match=r"cannot copy the charm .*: no such file or directory"):
        refresh_copy(tmp_path / "gone", unit.copy, unit.manifest)
    with pytest.raises(CharmError, match="into itself"):
        refresh_copy(unit.source, unit.source / "copy", unit.manifest)


def test_a_charm_that_no_copy_can_be_made_of_says_why(unit: Unit, tmp_path: Path) -> None:
    """H9: whatever the operating system and Python make of such a path."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(CharmError, match="loop': it is a loop of links"):
        refresh_copy(tmp_path / "loop", unit.copy, unit.manifest)
    with pytest.raises(CharmError, match=r"a\\x00b': its path has a NUL in it"):
        refresh_copy(tmp_path / "a\0b", unit.copy, unit.manifest)
    (unit.source / os.fsdecode(b"\xff")).symlink_to("x")
    with pytest.raises(CharmError, match=r'"\\xff" is not UTF-8: rename it'):
        unit.refresh()
    (unit.source / os.fsdecode(b"\xff")).unlink()
    (unit.source / "link").symlink_to(os.fsdecode(b"\xff"))
    with pytest.raises(CharmError, match='what the link "link" leads to is not UTF-8'):
        unit.refresh()


@pytest.mark.parametrize(
    ("part", "count", "says"),
    [
        ("d", 1500, "lies deeper than 100 folders: move it up"),
        ("d" * 200, 6, "is longer than 1024 bytes: give it a shorter path"),
    ],
)
def test_a_charm_nested_too_deeply_is_refused(
    unit: Unit, part: str, count: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H9"""
    before = contents(unit.copy)
    with monkeypatch.context() as patch:
        patch.chdir(unit.source)
        for _ in range(count):  # one by one, for the whole path may be longer than any call takes
            os.mkdir(part)  # noqa: PTH102
            os.chdir(part)
    try:
        with pytest.raises(CharmError, match=says):
            unit.refresh()
    finally:
        subprocess.run(["rm", "-rf", unit.source], check=True, timeout=HANG)
    assert contents(unit.copy) == before


def test_the_copy_has_a_revision_and_nobody_is_told(source: Path, tmp_path: Path) -> None:
    """H9: charmhelpers reads it."""
    unit = Unit(source, tmp_path)
    assert unit.refresh() == [f'copied 4 files and folders from "{source}"']
    assert (unit.copy / "revision").read_text() == "0\n"
    assert refresh_copy(source, unit.copy, unit.manifest, 7) == []
    assert (unit.copy / "revision").read_text() == "7\n"
    assert refresh_copy(source, unit.copy, unit.manifest, 7) == []


def test_a_charm_with_a_revision_of_its_own_keeps_it(unit: Unit) -> None:
    """H9"""
    write(unit.source / "revision", "42", 0o644)
    assert unit.refresh() == ["updated revision"]
    assert (unit.copy / "revision").read_text() == "42"
    (unit.source / "revision").unlink()
    unit.refresh()
    assert (unit.copy / "revision").read_text() == "0\n"
    write(unit.copy / "revision", "mine")
    refresh_copy(unit.source, unit.copy, unit.manifest, 1)
    assert (unit.copy / "revision").read_text() == "1\n"


def test_a_copy_of_before_gets_its_revision_too(unit: Unit) -> None:
    """H9: a manifest that knows of none."""
    (unit.copy / "revision").unlink()
    kept = StateFile(unit.manifest, Manifest)
    known = kept.load()
    assert known is not None
    entries = {name: entry for name, entry in known.entries.items() if name != "revision"}
    kept.save(Manifest(entries))
    assert unit.refresh() == []
    assert (unit.copy / "revision").read_text() == "0\n"
