"""The command lines of the controller and the agents."""

from __future__ import annotations

import sys

from tenure.statefolder import StateFolder
from tenure.uprecord import UpRecord
from tenure.wire.operators import CharmStatus

_PYTHON = (sys.executable, "-P", "-m")
"""-P: what lies in the folder where somebody typed `tenure up` must not shadow a module."""


def controller_argv(folder: StateFolder, must_exist: bool) -> list[str]:
    """The controller. With `must_exist` a missing store is an error and no new beginning."""
    argv = [*_PYTHON, "tenure.controller", "--state", str(folder.state)]
    return [*argv, "--must-exist"] if must_exist else argv


def agent_argv(folder: StateFolder, record: UpRecord, unit: str, charm: CharmStatus) -> list[str]:
    """The agent of one unit, which runs that charm."""
    argv = [
        *_PYTHON,
        "tenure.agent",
        "--state",
        str(folder.state),
        "--charm",
        str(folder.charm_folder(charm.source)),
        "--charm-revision",
        str(charm.revision),
        "--update-status-interval",
        f"{charm.update_status_interval:g}",
        "--juju-version",
        record.juju_version,
    ]
    if record.hook_timeout:
        argv += ["--hook-timeout", f"{record.hook_timeout:g}"]
    if record.juju_paths:
        argv.append("--juju-paths")
    if charm.allow_host_changes:
        argv.append("--allow-host-changes")
    return [*argv, unit]
