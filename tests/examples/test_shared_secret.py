"""examples/shared-secret: what its README tells."""

from __future__ import annotations

import os
import signal
import stat
from typing import Any

from .running import EXAMPLES, SHORT_LEASE, Tenure, others

CHARM = EXAMPLES / "shared-secret"


def _all_have_a_secret(application: dict[str, Any]) -> bool:
    return len(application["units"]) == 3 and all(
        unit["status"]["message"].startswith("has secret") for unit in application["units"].values()
    )


def test_every_unit_gets_the_leaders_secret_and_a_new_leader_keeps_it(tenure: Tenure) -> None:
    """B1, B5, H1, H2, H3, T10: the example, from its first start to another leader"""
    tenure.up(CHARM, "--units", "3", "--no-restart", *SHORT_LEASE)
    first = tenure.until(_all_have_a_secret)
    secret = tenure.run("exec", first["leader"], "--", "leader-get", "secret").strip()
    assert len(secret) == 64
    _check_files(tenure, first, secret)

    os.kill(first["units"][first["leader"]]["pid"], signal.SIGKILL)
    second = tenure.until(lambda now: now["leader"] not in (None, first["leader"]))
    assert second["term"] > first["term"]
    tenure.until(lambda now: now["units"][now["leader"]]["hook"]["last"] == "leader-elected")
    assert tenure.run("exec", second["leader"], "--", "leader-get", "secret").strip() == secret
    assert tenure.application()["revision"] == 1
    _check_that_it_is_told_nowhere(tenure, secret)


def _check_files(tenure: Tenure, application: dict[str, Any], secret: str) -> None:
    for unit in application["units"]:
        file = tenure.charm_of(unit) / "secret"
        assert file.read_text() == secret
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for unit in others(application):
        assert tenure.run("exec", unit, "--", "is-leader") == "False\n"


def _check_that_it_is_told_nowhere(tenure: Tenure, secret: str) -> None:
    """Neither in logs nor in what operators see, `settings` apart."""
    told = (
        tenure.log(),
        tenure.said(),
        tenure.run("status"),
        tenure.run("history", "shared-secret"),
    )
    assert not any(secret in text for text in told)
