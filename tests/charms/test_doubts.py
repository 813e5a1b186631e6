"""Files in hooks/ that look like hooks and never run are told of, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.charms.doubts import doubtful_hooks
from tenure.charms.facts import Facts
from tenure.charms.hooks import OF_EVERY_CHARM

FACTS = Facts(peers=("peers",), endpoints=("peers", "website", "my-db"))


def charm_with(folder: Path, *names: str) -> Path:
    hooks = folder / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in names:
        (hooks / name).touch(mode=0o755)
    return folder


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("leader-elcted", "leader-elected"),
        ("leader_elected", "leader-elected"),
        ("leader-elected.sh", "leader-elected"),
        ("Leader-Elected", "leader-elected"),
        ("leader-setting-changed", "leader-settings-changed"),
        ("leader-electd", "leader-elected"),
        ("config-change", "config-changed"),
        ("instal", "install"),
        ("strat", "start"),
        ("upgarde-charm", "upgrade-charm"),
        ("update-state", "update-status"),
        ("peers-relation-chnaged", "peers-relation-changed"),
        ("peer-relation-changed", "peers-relation-changed"),
        ("my-db-relation-join", "my-db-relation-joined"),
    ],
)
def test_a_misspelled_hook_is_told_with_the_nearest_name(
    tmp_path: Path, name: str, meant: str
) -> None:
    found = doubtful_hooks(charm_with(tmp_path, "install", name), FACTS)
    assert len(found) == 1
    assert found[0].startswith(f"hooks/{name} never runs: ")
    assert found[0].endswith(f"; did you mean {meant}?")


def test_a_hook_of_a_relation_that_the_charm_lacks_is_told_with_those_it_has(
    tmp_path: Path,
) -> None:
    charm_with(tmp_path, "cluster-relation-changed")
    assert doubtful_hooks(tmp_path, Facts()) == (
        "hooks/cluster-relation-changed never runs: the charm has no relation 'cluster': "
        "it has none",
    )
    assert "it has my-db, peers, website" in doubtful_hooks(tmp_path, FACTS)[0]


def test_right_names_are_not_doubted(tmp_path: Path) -> None:
    relations = [
        f"{name}-relation-{kind}"
        for name in (*FACTS.endpoints, "juju-info")
        for kind in ("created", "joined", "changed", "departed", "broken")
    ]
    others = ["data-storage-attached", "app-pebble-ready", "collect-metrics", "secret-rotate"]
    charm_with(tmp_path, *OF_EVERY_CHARM, *relations, *others)
    assert doubtful_hooks(tmp_path, FACTS) == ()


def test_what_hooks_keep_beside_them_is_not_noisy(tmp_path: Path) -> None:
    charm_with(
        tmp_path, "install", "install.real", "install.bak", "install~", "common.sh", "hooks.py",
        "lib", "restart", "status", "README", "helpers", "pre-install", "functions", ".hidden",
        "database", "check", "run", "stop-service",
    )  # fmt: skip
    (tmp_path / "hooks" / "leader-elcted").touch(mode=0o644)
    (tmp_path / "hooks" / "config-chnaged").mkdir()
    assert doubtful_hooks(tmp_path, FACTS) == ()


def test_a_charm_that_dispatches_knows_best_itself(tmp_path: Path) -> None:
    charm_with(tmp_path, "leader-elcted")
    (tmp_path / "dispatch").touch(mode=0o755)
    assert doubtful_hooks(tmp_path, FACTS) == ()


def test_a_charm_without_hooks_has_no_doubtful_ones(tmp_path: Path) -> None:
    assert doubtful_hooks(tmp_path, FACTS) == ()


def test_where_known_hooks_lack_the_bit_it_tells_nothing_of_the_others(tmp_path: Path) -> None:
    charm_with(tmp_path, "install", "leader-elcted", "common.sh", "README", "install.bak")
    for path in (tmp_path / "hooks").iterdir():
        path.chmod(0o644)
    meant = ("hooks/leader-elcted never runs: there is no such hook; did you mean leader-elected?",)
    assert doubtful_hooks(tmp_path, FACTS) == meant
    (tmp_path / "hooks" / "install").chmod(0o755)
    assert doubtful_hooks(tmp_path, FACTS) == ()
    assert doubtful_hooks(tmp_path, FACTS, bare=True) == meant, "as of its copy"


def test_a_dispatch_that_gets_its_bit_decides_by_itself(tmp_path: Path) -> None:
    charm_with(tmp_path, "install", "leader-elcted")
    for path in (tmp_path / "hooks").iterdir():
        path.chmod(0o644)
    (tmp_path / "dispatch").touch(mode=0o644)
    assert doubtful_hooks(tmp_path, FACTS) == ()
