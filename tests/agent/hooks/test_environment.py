"""A hook's environment is computed in full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tenure.agent.config import UnitConfig
from tenure.agent.hooks.environment import DEFAULT_PATH, Occasion, environment
from tenure.errors import BadName

AGENTS_OWN = {
    "PATH": "/opt/bin:/bin",
    "HOME": "/root",
    "PYTHONPATH": "/agent",
    "TENURE_TOKEN": "secret",
    "JUJU_API_ADDRESSES": "10.0.0.1:17070",
    "LD_PRELOAD": "x.so",
}


def of(
    unit: str = "web/3", hook: str = "leader-elected", inherited: Any = AGENTS_OWN, **changed: Any
) -> dict[str, str]:
    config = UnitConfig(
        unit=unit, instance="one", boot_id="boot", charm=Path("/u/web-3/charm"),
        tools=Path("/u/tools"), socket=Path("/u/agent.socket"), model_name="default",
        model_uuid="6a1f", inherited=inherited, shims=Path("/u/shims"),
    )  # fmt: skip
    said: dict[str, Any] = {"context_id": "web/3-leader-elected-17", "reason": "elected", "term": 4}
    occasion = Occasion(hook=hook, **said | changed)
    return environment(config, occasion, may_change_host=True)


def test_the_environment_is_the_computed_list_and_nothing_else() -> None:
    """H9, H10, G10"""
    assert of() == {
        "JUJU_UNIT_NAME": "web/3",
        "JUJU_CHARM_DIR": "/u/web-3/charm",
        "CHARM_DIR": "/u/web-3/charm",
        "JUJU_HOOK_NAME": "leader-elected",
        "JUJU_DISPATCH_PATH": "hooks/leader-elected",
        "JUJU_CONTEXT_ID": "web/3-leader-elected-17",
        "JUJU_AGENT_SOCKET_ADDRESS": "/u/agent.socket",
        "JUJU_AGENT_SOCKET_NETWORK": "unix",
        "JUJU_MODEL_NAME": "default",
        "JUJU_MODEL_UUID": "6a1f",
        "JUJU_VERSION": "3.6.12",
        "JUJU_MACHINE_ID": "3",
        "JUJU_PRINCIPAL_UNIT": "",
        "JUJU_AVAILABILITY_ZONE": "",
        "JUJU_API_ADDRESSES": "",
        "LANG": "C.UTF-8",
        "TERM": "tmux-256color",
        "PATH": "/u/tools:/opt/bin:/bin",
        "HOME": "/root",
        "TENURE_REASON": "elected",
        "TENURE_TERM": "4",
    }


def test_an_agent_without_path_or_home_gives_a_sane_path() -> None:
    """H9"""
    for inherited in ({}, {"PATH": ""}):
        made = of(inherited=inherited)
        assert made["PATH"] == f"/u/tools:{DEFAULT_PATH}"
        assert "HOME" not in made


def test_a_command_that_is_no_hook_has_no_dispatch_path() -> None:
    """H9"""
    made = of(hook="", reason=None, term=None)
    assert made["JUJU_HOOK_NAME"] == ""
    assert {"JUJU_DISPATCH_PATH", "TENURE_REASON", "TENURE_TERM"}.isdisjoint(made)


def test_no_variable_differs_between_leader_and_minion_but_the_units_own_term() -> None:
    """G10"""
    minion = of(hook="leader-settings-changed", reason="deposed", term=None)
    leader = of(hook="leader-settings-changed", reason="deposed", term=4)
    assert dict(leader.items() - minion.items()) == {"TENURE_TERM": "4"}


def test_changed_keys_are_names_one_per_line() -> None:
    """H10, T10"""
    assert of(changed_keys=("b", "a key", "é"))["TENURE_CHANGED_KEYS"] == "a key\nb\né"
    assert of(changed_keys=())["TENURE_CHANGED_KEYS"] == ""


@pytest.mark.parametrize(
    "keys", [None, ("a\nb",), ("a\0b",), ("k" * 70_000,), ("\ud800",)], ids=repr
)
def test_keys_that_no_environment_can_carry_are_not_known(keys: tuple[str, ...] | None) -> None:
    """H10"""
    assert "TENURE_CHANGED_KEYS" not in of(changed_keys=keys)


def test_what_is_no_unit_has_no_environment() -> None:
    """H9"""
    with pytest.raises(BadName):
        of(unit="web")
