"""The command lines of the house's processes."""

from __future__ import annotations

import sys

from tenure.house import House, HouseRecord
from tenure.names import application_of

_PYTHON = (sys.executable, "-P", "-m")
"""-P: what lies in the folder where somebody typed `tenure up` must not shadow a module."""


def controller_argv(house: House, must_exist: bool) -> list[str]:
    """The controller. With `must_exist` a missing store is an error and no new beginning."""
    argv = [*_PYTHON, "tenure.controller", "--state", str(house.state)]
    return [*argv, "--must-exist"] if must_exist else argv


def agent_argv(house: House, record: HouseRecord, unit: str) -> list[str]:
    """The agent of one unit."""
    home = record.applications[application_of(unit)]
    return [
        *_PYTHON, "tenure.agent", "--state", str(house.state), "--charm", home.charm,
        "--update-status-interval", f"{home.update_status_interval:g}", unit,
    ]  # fmt: skip
