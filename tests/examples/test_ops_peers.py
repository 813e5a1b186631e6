"""examples/ops-peers: what its README tells. Tenure packs it, as `tenure up` does for anybody."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from .charms import WITHIN, act, at_rest, messages
from .running import EXAMPLES, Tenure, others

CHARM = EXAMPLES / "ops-peers"
PACKING = 300.0
"""Seconds: packing has pip fetch ops."""


def _cluster(application: dict[str, Any], motto: str) -> bool:
    """Whether all units say the same of all units, after the motto."""
    units = len(application["units"])
    told = set(messages(application).values())
    return at_rest(application, units) and len(told) == 1 and told.pop().startswith(
        f"{motto}: {units} members, token "
    )  # fmt: skip


@pytest.mark.long
def test_a_charm_from_git_is_packed_and_finds_its_peers_configuration_and_actions(
    tenure: Tenure, short: Path
) -> None:
    """H1, H9: the example, from packing to its next version"""
    tenure.up(CHARM, "--units", "3")
    first = tenure.until(lambda now: len(now["units"]) == 3 and _cluster(now, "together"), PACKING)
    _check_actions(tenure, first)

    tenure.run("config", "ops-peers", "motto=as one")
    tenure.until(lambda now: _cluster(now, "as one"), WITHIN)
    tenure.run("config", "ops-peers", "--reset", "motto")
    tenure.until(lambda now: _cluster(now, "together"), WITHIN)

    tenure.run("scale", "ops-peers", "2")
    tenure.until(lambda now: len(now["units"]) == 2 and _cluster(now, "together"), WITHIN)
    _check_refresh(tenure, short)


def _check_actions(tenure: Tenure, application: dict[str, Any]) -> None:
    leader, minion = application["leader"], others(application)[0]
    told = {unit: act(tenure, unit, "show-cluster")["results"] for unit in application["units"]}
    assert [unit for unit in told if told[unit]["leader"] == "True"] == [leader]
    assert {each["members"] for each in told.values()} == {" ".join(sorted(told))}
    assert {each["tokens-seen"] for each in told.values()} == {"1"}

    refused = act(tenure, minion, "new-token", expect=1)
    assert refused["status"] == "failed" and "only the leader" in refused["message"]
    made = act(tenure, "ops-peers/leader", "new-token", "reason=it is old")["results"]["token"]
    tenure.until(lambda now: all(text.endswith(made) for text in messages(now).values()), WITHIN)
    for unit in application["units"]:
        assert act(tenure, unit, "show-cluster")["results"]["tokens-seen"] == "2"


def _runs(application: dict[str, Any], revision: int) -> bool:
    """Whether all units run the charm of that revision."""
    return {unit["charm_revision"] for unit in application["units"].values()} == {revision}


def _check_refresh(tenure: Tenure, folder: Path) -> None:
    """Another version of the charm; what it stored is still there."""
    new = folder / "new"
    shutil.copytree(CHARM, new)
    source = new / "src" / "charm.py"
    source.write_text(source.read_text().replace('VERSION = "1"', 'VERSION = "2"'))
    assert tenure.application()["version"] == "1"
    tenure.run("refresh", "ops-peers", str(new))
    now = tenure.until(lambda now: _runs(now, revision=2) and at_rest(now, 2), PACKING)
    assert now["version"] == "2"
    for unit in now["units"]:
        assert act(tenure, unit, "show-cluster")["results"]["tokens-seen"] == "2"
