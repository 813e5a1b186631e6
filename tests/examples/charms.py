"""What the tests of whole charms ask of Tenure."""

from __future__ import annotations

import json
from typing import Any

from .running import Tenure

WITHIN = 90.0
"""Seconds: three units of Python's hooks take a while where many share few cores."""


def messages(application: dict[str, Any]) -> dict[str, str]:
    """What each unit says in its status."""
    return {name: unit["status"]["message"] for name, unit in application["units"].items()}


def at_rest(application: dict[str, Any], units: int) -> bool:
    """Whether there are that many units, somebody leads, and no hook runs or has failed."""
    hooks = [unit["hook"] for unit in application["units"].values()]
    return len(hooks) == units and application["leader"] is not None and not any(
        hook["running"] or hook["error"] or hook["last"] is None for hook in hooks
    )  # fmt: skip


def act(tenure: Tenure, unit: str, action: str, *params: str, expect: int = 0) -> dict[str, Any]:
    """Run an action; how it ended, with its `results`."""
    words = ("run", unit, action, *params, "--format", "json")
    return dict(json.loads(tenure.run(*words, expect=expect)))


def asked(tenure: Tenure, unit: str, *tool: str) -> str:
    """What a hook tool prints in a context of that unit."""
    return tenure.run("exec", unit, "--", *tool).rstrip("\n")
