"""The paths of a state folder, and its record."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import pytest

from tenure.agent.execserver import ExecServer
from tenure.agent.toolserver import ToolServer
from tenure.agent.unit import Unit
from tenure.controller.server import bind_unix
from tenure.errors import BadName, StateFolderUnusable, TenureError, Unreachable
from tenure.statefolder import LONGEST_SOCKET_PATH, StateFolder
from tenure.uprecord import FormerApplication, NamedCharm, UpRecord

REMOVE_IT = "remove it, or choose another state folder with --state"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tn-") as found:
        yield Path(found)


def test_the_state_folder_is_the_options_else_the_environments() -> None:
    environ = {"HOME": "/h", "XDG_STATE_HOME": "/x", "TENURE_STATE": "/t"}
    assert StateFolder.at("/o", environ).state == Path("/o")
    assert StateFolder.at(None, environ).state == Path("/t")
    del environ["TENURE_STATE"]
    assert StateFolder.at(None, environ).state == Path("/x/tenure")
    environ["XDG_STATE_HOME"] = "relative"
    assert StateFolder.at(None, environ).state == Path("/h/.local/state/tenure")
    with pytest.raises(StateFolderUnusable, match="say --state DIR"):
        StateFolder.at(None, {})
    with pytest.raises(StateFolderUnusable, match="say --state DIR"):
        StateFolder.at("", environ)


def test_one_folder_is_one_state_folder_by_whatever_name(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "link").symlink_to("real")
    assert StateFolder.at(str(folder / "link"), {}) == StateFolder.at(str(folder / "real"), {})


def test_everything_of_a_unit_lies_in_its_folder() -> None:
    paths = StateFolder(Path("/s"))
    assert paths.unit_folder("web/0") == Path("/s/units/web-0")
    assert paths.unit_log("web/0") == Path("/s/units/web-0/log")
    assert paths.store_file == Path("/s/controller/controller.db")
    assert paths.tool_socket("web/0") == Path("/s/run/web-0.tool")
    assert paths.exec_socket("web/0") == Path("/s/run/web-0.exec")
    with pytest.raises(BadName):
        paths.unit_folder("../etc/0")


@pytest.mark.parametrize("length", [1, 60, 66, 67, 68, 69, 90, 300])
@pytest.mark.parametrize("unit", ["web/0", f"{'a' * 100}/123456789"])
def test_no_socket_path_is_longer_than_the_system_takes(length: int, unit: str) -> None:
    paths = StateFolder(Path("/" + "s" * length))
    for path in (paths.controller_socket, paths.tool_socket(unit), paths.exec_socket(unit)):
        assert len(os.fsencode(path)) <= LONGEST_SOCKET_PATH
    assert paths.tool_socket("a" * 100 + "/1") != paths.tool_socket("a" * 100 + "/2")


def test_with_a_long_state_folder_the_sockets_lie_in_a_private_one_of_its_own() -> None:
    one, other = StateFolder(Path("/" + "s" * 90)), StateFolder(Path("/" + "t" * 90))
    assert one.socket_folder.parent == Path("/tmp")
    assert one.socket_folder.name.startswith(f"tenure-{os.getuid()}-")
    assert one.socket_folder != other.socket_folder


def test_folders_are_closed_to_others(folder: Path) -> None:
    paths = StateFolder(folder / "s")
    paths.ensure()
    paths.ensure()
    for path in (paths.state, paths.controller_folder, paths.units_folder, paths.socket_folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_socket_folder_that_others_can_reach_or_that_is_a_link_is_refused(folder: Path) -> None:
    paths = StateFolder(folder / "s")
    paths.ensure()
    paths.socket_folder.chmod(0o755)
    with pytest.raises(StateFolderUnusable, match="closed to others"):
        paths.check_sockets()
    paths.socket_folder.rmdir()
    (folder / "elsewhere").mkdir(mode=0o700)
    paths.socket_folder.symlink_to(folder / "elsewhere")
    with pytest.raises(StateFolderUnusable, match="closed to others"):
        paths.ensure()


def test_a_socket_folder_of_somebody_else_is_refused(folder: Path) -> None:
    if os.getuid() != 0:
        return  # Only root can give a folder away.
    paths = StateFolder(folder / "s")
    paths.ensure()
    os.chown(paths.socket_folder, 12345, 12345)
    with pytest.raises(StateFolderUnusable, match="closed to others"):
        paths.check_sockets()


def test_a_state_folder_that_is_none_is_one_clear_error(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(StateFolderUnusable, match=r"cannot use the state folder .*choose another"):
        StateFolder(folder / "file").ensure()
    with pytest.raises(StateFolderUnusable, match=r"cannot use the state folder .*choose another"):
        StateFolder(folder / "file" / "below").ensure()
    with pytest.raises(StateFolderUnusable, match=r"cannot use the state folder"):
        StateFolder(Path("/proc/nowhere")).ensure()


@pytest.mark.parametrize("name", ["2026-11-28T15:12:01", ":", "a\nb", "\x1b[31m", "\x7f", "\x85"])
def test_a_path_that_no_list_can_hold_is_refused_before_anything_is_made(
    folder: Path, name: str
) -> None:
    """H9: PATH is a list with colons, and a log a list with newlines"""
    state = folder / name / "state"
    with pytest.raises(StateFolderUnusable) as refused:
        StateFolder.at(str(state), {}).ensure()
    told = str(refused.value)
    assert told.isprintable() and str(folder) in told and "choose another with --state" in told
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", ["a b", "é", "a;b", "a,b", "a=b", "a'b", "$HOME", "%s", "~"])
def test_any_other_path_can_be_used(folder: Path, name: str) -> None:
    state = StateFolder.at(str(folder / name), {})
    state.ensure()
    assert state.controller_folder.is_dir()


def test_a_path_that_is_not_utf_8_is_one_clear_error_that_shows_it(folder: Path) -> None:
    (folder / "link").symlink_to(os.fsdecode(b"caf\xe9"))
    for named in (os.fsdecode(os.fsencode(folder) + b"/caf\xe9"), str(folder / "link")):
        with pytest.raises(StateFolderUnusable, match=r"/caf\\xe9 cannot be used.*not UTF-8"):
            StateFolder.at(named, {})


@pytest.mark.parametrize("name", ["controller.sock", "web-0.tool", "web-0.exec"])
def test_a_folder_in_a_sockets_place_is_refused_with_what_to_do(folder: Path, name: str) -> None:
    paths = StateFolder(folder / "s")
    paths.ensure()
    (paths.socket_folder / name).mkdir()
    with pytest.raises(
        StateFolderUnusable, match=f"{name}: it is a folder: remove it, or choose anoth"
    ):
        paths.ensure()


async def test_whoever_cannot_listen_says_what_to_do(folder: Path) -> None:
    paths = StateFolder(folder)
    unit = cast(Unit, None)  # Nobody will be served.
    with pytest.raises(Unreachable, match=REMOVE_IT):
        bind_unix(folder)
    with pytest.raises(TenureError, match=REMOVE_IT):
        await ToolServer(folder, lambda _: None).start()
    with pytest.raises(Unreachable, match=REMOVE_IT):
        await ExecServer(unit, folder).start()
    assert paths.state.is_dir()


def test_a_socket_folder_elsewhere_goes_once_it_is_empty(folder: Path) -> None:
    near, far = StateFolder(folder / "s"), StateFolder(folder / ("s" * 90))
    for paths in (near, far):
        paths.ensure()
        paths.controller_socket.touch()
        paths.leave()
        assert paths.socket_folder.exists()
        paths.controller_socket.unlink()
        paths.leave()
        paths.leave()
    assert near.socket_folder.exists()
    assert not far.socket_folder.exists()


def test_a_state_folder_exists_once_it_has_a_record(folder: Path) -> None:
    paths = StateFolder(folder)
    with pytest.raises(StateFolderUnusable, match="nothing was started in"):
        paths.check_exists()
    paths.write(UpRecord(model_uuid="u"))
    paths.check_exists()


def test_the_record_is_kept_whole_and_private(folder: Path) -> None:
    paths = StateFolder(folder)
    assert paths.read() is None
    record = UpRecord(
        model_uuid="u",
        store_created=True,
        applications={"web": FormerApplication(charm="/c", update_status_interval=60.0)},
    )
    paths.write(record)
    assert paths.read() == record
    assert stat.S_IMODE(paths.record_file.stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["up.json"]


def test_a_record_of_an_earlier_version_can_be_read(folder: Path) -> None:
    paths = StateFolder(folder)
    paths.record_file.write_text(
        '{"version": 1, "model_uuid": "u", "store_created": true, "applications": '
        '{"web": {"charm": "/c", "update_status_interval": 60.0}}}'
    )
    record = paths.read()
    assert record is not None
    assert (record.juju_version, record.juju_paths) == ("3.6.12", False)
    assert record.applications["web"] == FormerApplication(charm="/c", update_status_interval=60.0)


def test_a_charm_that_was_packed_is_remembered_by_what_was_named(folder: Path) -> None:
    paths = StateFolder(folder)
    assert paths.named_charm("web", "/c") == "/c"
    paths.note_charm("web", NamedCharm("/c", "/c"))
    assert not paths.charms_folder.exists()
    paths.note_charm("web", NamedCharm("/s/charms/1", "/src"))
    assert paths.named_charm("web", "/s/charms/1") == "/src"
    assert paths.named_charm("web", "/s/charms/2") == "/s/charms/2"
    assert paths.named_charm("shop", "/s/charms/1") == "/s/charms/1"
    (paths.charms_folder / "web.json").write_text("junk")
    assert paths.named_charm("web", "/s/charms/1") == "/s/charms/1"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[]", b'{"model_uuid": 1}', b'{"model_uuid":"u","colour":"red"}',
     b'{"model_uuid":"u","version":0}'],
)  # fmt: skip
def test_a_record_that_is_none_is_refused_by_name(folder: Path, content: bytes) -> None:
    paths = StateFolder(folder)
    paths.record_file.write_bytes(content)
    with pytest.raises(StateFolderUnusable, match=r"up\.json cannot be used: .*restore it"):
        paths.read()


def test_known_units_are_the_folders_that_are_named_like_one(folder: Path) -> None:
    paths = StateFolder(folder / "s")
    assert paths.known_units() == []
    paths.ensure()
    for name in ("web-10", "web-2", "my-app-0", "junk", "web-x", ".hidden", "web-02"):
        (paths.units_folder / name).mkdir()
    assert paths.known_units() == ["my-app/0", "web/2", "web/10"]


def test_a_charm_inside_is_kept_by_a_path_that_survives_a_move(tmp_path: Path) -> None:
    """and one that an earlier version kept by its absolute path is found all the same"""
    key = "0123456789abcdef" * 2
    folder, moved = StateFolder(tmp_path / "s"), StateFolder(tmp_path / "moved")
    folder.ensure()
    made = folder.charms_folder / key
    made.mkdir(parents=True)
    source = folder.charm_source(made)
    assert source == f"charms/{key}"
    folder.state.rename(moved.state)
    for told in (source, str(made)):
        assert moved.charm_folder(told) == moved.charms_folder / key
    for elsewhere in ("/home/me/web", f"/other/charms/{'f' * 32}", f"/charms/{key}/web"):
        assert moved.charm_folder(elsewhere) == Path(elsewhere)
        assert moved.charm_source(Path(elsewhere)) == elsewhere


def test_where_a_charm_is_can_be_said_of_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    """and no caller falls for it"""
    unreadable = StateFolder(tmp_path / ("s" * 300))
    told = f"/other/charms/{'f' * 32}"
    assert unreadable.charm_folder(told) == Path(told)


def test_a_record_of_a_newer_version_is_refused_and_says_what_to_run(folder: Path) -> None:
    paths = StateFolder(folder)
    paths.record_file.write_bytes(b'{"version":2,"model_uuid":"u","more":1}')
    with pytest.raises(StateFolderUnusable, match=r"written by a newer Tenure .* run that, or"):
        paths.read()


def test_going_back_to_the_version_before_records_were_renamed_is_not_silent(folder: Path) -> None:
    """It knows version 1 of its record, and begins anew where it finds none."""
    paths = StateFolder(folder)
    former = folder / "house.json"
    former.write_text('{"version": 1, "model_uuid": "u"}')
    paths.write(UpRecord(model_uuid="u"))
    assert msgspec.json.decode(former.read_bytes()) == {"version": 2, "model_uuid": "u"}
    assert paths.read() == UpRecord(model_uuid="u")
    paths.record_file.unlink()
    with pytest.raises(StateFolderUnusable, match=r"up\.json cannot be used: it is gone"):
        paths.read()
