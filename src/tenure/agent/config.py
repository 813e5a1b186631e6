"""What an agent is started with for one unit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from tenure.defaults import HOOK_TIMEOUT, JUJU_VERSION, UPDATE_STATUS


class UnitConfig(Struct, frozen=True, kw_only=True):
    """Where a unit lives: all its paths, and what its hooks are told of the world."""

    unit: str
    instance: str
    boot_id: str
    charm: Path
    tools: Path
    socket: Path
    model_name: str
    model_uuid: str
    inherited: Mapping[str, str]
    """Of these variables of the agent's own only PATH and HOME reach a hook (H9)."""
    update_every: float = UPDATE_STATUS.value
    """Seconds between two `update-status`, unless the charm was handed in with others (H1)."""
    hook_timeout: float = HOOK_TIMEOUT.value
    """Seconds after which a hook counts as hung, and is ended; 0 for never."""
    juju_version: str = JUJU_VERSION.value
    shims: Path | None = None
    allow_host_changes: bool = False
    """What holds before the controller was heard."""
    charm_revision: int = 0
    """The one of which the charm's folder was copied when the agent began; 0 if it is not known."""
