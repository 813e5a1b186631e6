"""Commands that take a charm: what they ask of the controller, whole stdout, stderr, exit code."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tenure.charms.digest import digest_of
from tenure.up.lock import UpLock
from tenure.wire.operators import CharmStatus, ControllerStatus, HookState, Ok, Status, UnitStatus
from tests.cli.commands.test_commands import WEB, application
from tests.cli.conftest import Asked, Desk, Result, call

CONTROLLER = ControllerStatus(pid=1, version="1", seat=1, started="", store="/s")
UNIT = UnitStatus(leader=False, agent="waiting", hook=HookState(last="install"))

METADATA = """\
name: shop
peers: {cluster: {interface: c}, ring: {interface: r}}
resources: {db: {type: file, filename: db.bin}}
"""


@pytest.fixture
def charm(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "dispatch").touch(mode=0o755)
    (folder / "metadata.yaml").write_text(METADATA)
    (folder / "config.yaml").write_text("options: {size: {type: int, default: 1}}")
    return folder


@pytest.fixture
def up(desk: Desk) -> Iterator[Desk]:
    """A desk where an `up` runs, as far as anybody can see."""
    lock = UpLock.take(desk.folder)
    yield desk
    lock.release()


def knows(desk: Desk, **applications: CharmStatus | None) -> None:
    found = {
        name: application(charm=charm, units={f"{name}/1": UNIT, f"{name}/0": UNIT})
        for name, charm in applications.items()
    }
    desk.controller.knows(Status(controller=CONTROLLER, applications=found))


def grows(desk: Desk, name: str, *units: str) -> None:
    """There is nothing until the application is created."""
    created = application(units=dict.fromkeys(units, UNIT))
    desk.controller.says(Ok())
    desk.controller.knows(
        Status(controller=CONTROLLER, applications={}),
        then=Status(controller=CONTROLLER, applications={name: created}),
    )


def asked_charm(source: Path, **words: object) -> dict[str, object]:
    option = {"type": "int", "default": "1", "description": ""}
    return {
        "source": str(source),
        "peers": ["cluster", "ring"],
        "options": {"size": option},
        "resources": None,
        "update_status_interval": None,
        "allow_host_changes": None,
        "digest": digest_of(source),
        **words,
    }


def test_deploy_creates_a_new_application_and_says_which_units_start(
    up: Desk, charm: Path, tmp_path: Path
) -> None:
    grows(up, "shop", "shop/1", "shop/0")
    file = tmp_path / "f"
    file.touch()
    done = up.call(
        "deploy",
        str(charm),
        "--units",
        "2",
        "--config",
        "size=3",
        "--resource",
        f"db={file}",
        "--lease",
        "20s",
        "--allow-host-changes",
        "--update-status-interval",
        "1m",
    )
    assert done == Result(0, "shop/0 starts\nshop/1 starts\n", "")
    given = asked_charm(
        charm, resources={"db": str(file)}, update_status_interval=60.0, allow_host_changes=True
    )
    body = {
        "name": "shop",
        "duration": 20.0,
        "guarantee": 10.0,
        "charm": given,
        "config": {"size": "3"},
        "units": 2,
        "new": True,
    }
    assert up.controller.asked == [Asked("POST", "/v1/applications", body)]


def test_deploy_takes_a_name_and_answers_as_json(up: Desk, charm: Path) -> None:
    """O6"""
    grows(up, "store", "store/0")
    done = up.call("deploy", str(charm), "store", "--format", "json")
    assert msgspec.json.decode(done.out) == {"application": "store", "units": ["store/0"]}


def test_deploy_without_units_says_how_to_add_one(up: Desk, charm: Path) -> None:
    grows(up, "shop")
    assert up.call("deploy", str(charm), "--units", "0") == Result(
        0, "shop is deployed without units: `tenure scale shop 1` adds one\n", ""
    )


def test_deploy_refuses_an_application_that_is_there_with_the_ways_on(
    up: Desk, charm: Path
) -> None:
    knows(up, shop=None, web=None)
    for name in ("shop", "web"):
        assert up.call("deploy", str(charm), *([] if name == "shop" else [name])) == Result(
            1,
            "",
            f"ERROR {name} is there already: `tenure scale {name} N` changes how many units it "
            f"has, `tenure refresh {name} CHARM` what it runs; or deploy it under another NAME\n",
        )
    assert up.controller.asked == []


def test_deploy_needs_an_up_that_starts_the_units(desk: Desk, charm: Path) -> None:
    assert desk.call("deploy", str(charm)) == Result(
        3,
        "",
        f"ERROR no `tenure up` runs on {desk.folder.state}: start it with `tenure up`, and then "
        "try again\n",
    )
    assert desk.controller.asked == []


@pytest.mark.parametrize(
    ("args", "code", "error"),
    [
        (["--resource", "bd={file}"], 2, "the charm has no resource 'bd': it has db"),
        (["--resource", "db={file}x"], 1,
         "cannot use {file}x as the resource 'db': there is no such file"),
        (["--resource", "db=/"], 1, "cannot use / as the resource 'db': it is not a file"),
        (["--config", "size=@{file}x"], 1,
         "cannot read the value of size from '{file}x': no such file or directory"),
        (["--lease", "4s"], 2, "a lease of 4 s is out of range: choose 5 s to 300 s"),
        (["--guarantee", "31s"], 2,
         "a guarantee of 31 s does not fit a lease of 60 s: choose more than 0 s and at most half "
         "the lease, 30 s"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_the_controller_is_asked(
    up: Desk, charm: Path, args: list[str], code: int, error: str
) -> None:
    knows(up)
    file = charm / "metadata.yaml"
    words = [word.format(file=file) for word in args]
    done = up.call("deploy", str(charm), *words)
    assert done == Result(code, "", f"ERROR {error.format(file=file)}\n")
    assert up.controller.asked == []


def test_a_charm_that_is_none_is_one_line(up: Desk, tmp_path: Path) -> None:
    knows(up)
    done = up.call("deploy", str(tmp_path / "nowhere"))
    assert done == Result(
        1, "", f'ERROR "{tmp_path}/nowhere" does not exist: name the folder of a charm\n'
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    done = up.call("deploy", str(empty))
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)


def test_refresh_hands_in_the_charm_that_it_has_once_more(desk: Desk, charm: Path) -> None:
    knows(desk, web=CharmStatus(source=str(charm), revision=1))
    desk.controller.says(Ok())
    assert desk.call("refresh", "web") == Result(0, f"web upgrades to the charm {charm}\n", "")
    assert desk.controller.asked == [Asked("POST", f"{WEB}/charm", asked_charm(charm))]


def test_refresh_hands_in_another_with_what_is_said_of_it(
    desk: Desk, charm: Path, tmp_path: Path
) -> None:
    knows(desk, web=CharmStatus(source="/old", revision=1, resources={"x": "/x"}))
    desk.controller.says(Ok(note='"web" runs revision 2 of its charm'))
    file = tmp_path / "f"
    file.touch()
    done = desk.call(
        "refresh", "web", str(charm), "--resource", f"db={file}", "--no-allow-host-changes"
    )
    assert done == Result(0, '"web" runs revision 2 of its charm\n', "")
    given = asked_charm(charm, resources={"x": "/x", "db": str(file)}, allow_host_changes=False)
    assert desk.controller.asked == [Asked("POST", f"{WEB}/charm", given)]


def test_refresh_without_any_charm_says_how_to_name_one(desk: Desk) -> None:
    knows(desk, web=None)
    assert desk.call("refresh", "web") == Result(
        1, "", "ERROR web has no charm yet: name one, as in `tenure refresh web CHARM`\n"
    )
    assert desk.call("refresh", "shop") == Result(
        1, "", 'ERROR there is no application "shop": see `tenure status`\n'
    )


def test_refresh_unpacks_the_file_that_was_named_anew(
    up: Desk, charm: Path, tmp_path: Path
) -> None:
    file = tmp_path / "shop.charm"
    _zip(charm, file)
    grows(up, "shop", "shop/0")
    done = up.call("deploy", str(file))
    assert (done.code, done.out) == (0, "shop/0 starts\n")
    assert done.err.startswith(f'unpacked "{file}" into ')
    asked = up.controller.asked[-1].body
    assert isinstance(asked, dict)
    first = asked["charm"]["source"]
    assert up.folder.charm_folder(first).parent == up.folder.charms_folder
    assert not Path(first).is_absolute(), "the state folder may be moved"
    (charm / "new").touch()
    _zip(charm, file)
    knows(up, shop=CharmStatus(source=first, revision=1))
    up.controller.asked.clear()
    done = up.call("refresh", "shop")
    assert done.out == f"shop upgrades to the charm {file}\n"
    again = up.controller.asked[0].body
    assert isinstance(again, dict)
    assert (up.folder.charm_folder(again["source"]) / "new").exists()


def _zip(folder: Path, file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)


def test_remove_application_asks_once_and_says_what_happens(desk: Desk) -> None:
    desk.controller.says(Ok())
    assert desk.call("remove-application", "web").out == "web is being removed\n"
    assert desk.call("remove-application", "web", "--force").out == "web is removed\n"
    assert desk.controller.asked == [
        Asked("POST", f"{WEB}/remove", {"force": False}),
        Asked("POST", f"{WEB}/remove", {"force": True}),
    ]


def test_up_refuses_what_is_about_a_charm_if_none_is_named(desk: Desk) -> None:
    assert desk.call("up", "--config", "a=b") == Result(
        2,
        "",
        "ERROR --config is about a charm: name it, or leave that out: see `tenure up --help`\n",
    )


def test_up_refuses_a_version_of_juju_that_would_crash_charms(desk: Desk) -> None:
    done = desk.call("up", "--juju-version", "3.6.x")
    assert done == Result(
        2,
        "",
        "ERROR invalid value for '--juju-version': '3.6.x' is not a version of Juju: write it like "
        "3.6.12: see `tenure up --help`\n",
    )


def test_a_charm_for_up_is_checked_before_a_folder_is_made(tmp_path: Path, charm: Path) -> None:
    state = tmp_path / "s"
    done = call("up", "--state", str(state), str(charm), "--resource", f"x={charm}/dispatch")
    assert done == Result(2, "", "ERROR the charm has no resource 'x': it has db\n")
    assert not state.exists()


def test_a_charm_without_a_name_that_fits_is_told_where_deploy_takes_one(
    up: Desk, charm: Path
) -> None:
    knows(up)
    (charm / "metadata.yaml").write_text("name: 99-_")
    assert up.call("deploy", str(charm)) == Result(
        2,
        "",
        "ERROR '99-_' gives no application name: name the application yourself, "
        "as in `tenure deploy CHARM NAME`\n",
    )
