"""One Tenure, several applications: deployed, scaled, refreshed, configured, removed."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from tenure.statefolder import StateFolder
from tenure.uprecord import FormerApplication
from tenure.wire.operators import CreateApplication

from .conftest import Place, wait_for


@pytest.fixture
def shop(place: Place) -> Path:
    """A second charm, with a peer relation, an option, a resource and an action."""
    folder = place.folder / "shop"
    for hook in ("start", "upgrade-charm", "config-changed"):
        place.write_hook(hook, f"echo ran {hook}", charm=folder)
    (folder / "metadata.yaml").write_text("name: shop\npeers: {ring: {interface: r}}\n")
    (folder / "config.yaml").write_text("options: {size: {type: int, default: 1}}\n")
    (folder / "actions.yaml").write_text("backup: {params: {to: {type: string}}}\n")
    action = folder / "actions" / "backup"
    action.parent.mkdir()
    action.write_text(
        "#!/bin/bash\naction-log working\naction-set to=$(action-get to) lead=$(is-leader)\n"
        "[ $(action-get to) != hell ] || action-fail 'it is full'\n"
    )
    action.chmod(0o755)
    return folder


def test_up_without_a_charm_is_ready_for_deploy(place: Place, shop: Path) -> None:
    """G1: each application has a leader of its own"""
    run = place.begin("up")
    run.says(f"state folder {place.state}; no applications yet: `tenure deploy CHARM` adds one\n")
    assert place.text("deploy", str(place.charm), "--units", "2", "--lease", "10s") == (
        "web/0 starts\nweb/1 starts\n"
    )
    assert place.text("deploy", str(shop), "store", "--config", "size=3") == "store/0 starts\n"
    place.settles(["web/0", "web/1"])
    place.settles(["store/0"], "store")
    assert place.status().applications["store"].leader == "store/0"
    assert place.text("config", "store", "size") == "3\n"
    assert place.text("exec", "store/0", "--", "config-get", "size") == "3\n"


def test_the_next_up_carries_on_with_all_applications(place: Place, shop: Path) -> None:
    run = place.up("--lease", "5s")
    place.settles(["web/0"])
    place.text("deploy", str(shop), "--lease", "5s")
    place.settles(["shop/0"], "shop")
    run.send(signal.SIGINT)
    assert run.ends() == 0
    place.begin("up")
    place.settles(["web/0"])
    place.settles(["shop/0"], "shop")


def test_scale_adds_units_and_has_the_highest_numbers_leave(place: Place) -> None:
    """U4"""
    run = place.up("--lease", "5s")
    place.settles(["web/0"])
    assert place.text("scale", "web", "3") == "web/1 is added\nweb/2 is added\n"
    place.settles(["web/0", "web/1", "web/2"])
    place.text("elect", "web/2")
    assert place.text("scale", "web", "1") == "web/2 is leaving\nweb/1 is leaving\n"
    run.says("agent of web/2 is gone, as its unit is")
    run.says("agent of web/1 is gone, as its unit is")
    place.settles(["web/0"])
    assert place.leader() == "web/0"


def test_an_application_is_removed_with_all_its_units(place: Place, shop: Path) -> None:
    """H1"""
    run = place.up("--lease", "5s")
    place.settles(["web/0"])
    place.text("deploy", str(shop), "--lease", "5s", "--units", "2")
    place.settles(["shop/0", "shop/1"], "shop")
    place.text("remove-application", "shop")
    for unit in ("shop/0", "shop/1"):
        run.says(f"agent of {unit} is gone, as its unit is")
    wait_for(lambda: set(place.status().applications) == {"web"}, "it to be gone")
    assert place.text("deploy", str(shop), "--lease", "5s") == "shop/2 starts\n"
    place.settles(["shop/2"], "shop")


def test_refresh_has_all_units_upgrade(place: Place, shop: Path) -> None:
    place.up("--lease", "5s")
    place.settles(["web/0"])
    place.text("deploy", str(shop), "--lease", "5s")
    place.settles(["shop/0"], "shop")
    place.write_hook("upgrade-charm", "echo ran the new one", charm=shop)
    place.text("refresh", "shop")
    wait_for(lambda: "ran the new one" in place.text("log", "shop/0"), "the upgrade")
    status = place.status().applications["shop"]
    assert status.charm is not None and status.charm.revision == 2


def test_config_is_told_to_units(place: Place, shop: Path) -> None:
    place.begin("up")
    wait_for(lambda: place.try_status() is not None, "the controller")
    place.text("deploy", str(shop), "--lease", "5s")
    place.settles(["shop/0"], "shop")
    place.text("config", "shop", "size=5")
    wait_for(lambda: place.text("log", "shop/0").count("ran config-changed") == 2, "the hook")
    assert place.text("exec", "shop/0", "--", "config-get", "size") == "5\n"
    refused = place.call("config", "shop", "size=big")
    assert (refused.returncode, refused.stdout, refused.stderr.count(b"\n")) == (2, b"", 1)
    assert place.text("config", "shop") == (
        "KEY   VALUE  DEFAULT  TYPE\nsize  5      1        int\n"
    )


def test_an_action_runs_on_a_unit_or_on_the_leader(place: Place, shop: Path) -> None:
    place.up(charm=shop)
    place.settles(["shop/0"], "shop")
    done = place.call("run", "shop/leader", "backup", "to=disk")
    assert (done.returncode, done.stdout, done.stderr) == (
        0, b"lead: \"True\"\nto: disk\n", b"working\n",
    )  # fmt: skip
    failed = place.call("run", "shop/0", "backup", "to=hell", "--format", "json")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["results"] == {"lead": "True", "to": "hell", "return-code": 0}
    assert failed.stderr == (b"working\nERROR the action backup failed on shop/0: it is full\n")
    unknown = place.call("run", "shop/0", "restore")
    assert (unknown.returncode, unknown.stdout, unknown.stderr.count(b"\n")) == (1, b"", 1)


def test_a_charm_that_only_the_state_folder_knows_is_handed_to_the_controller(place: Place) -> None:
    folder = StateFolder(place.state)
    run = place.begin("up")
    run.says("no applications yet")
    place.operator.create_application(
        CreateApplication(name="web", duration=5.0, guarantee=2.0, units=1)
    )
    run.send(signal.SIGINT)
    run.ends()
    record = folder.read()
    assert record is not None
    home = FormerApplication(charm=str(place.charm), update_status_interval=60.0)
    folder.write(replace(record, applications={"web": home}))
    place.begin("up")
    place.settles(["web/0"])
    charm = place.status().applications["web"].charm
    assert charm is not None
    assert (charm.source, charm.update_status_interval) == (str(place.charm), 60.0)
    after = folder.read()
    assert after is not None and after.applications == {}
