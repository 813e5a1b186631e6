"""A test kit for charms: their real hooks on several units, in virtual time.

    from tenure.testing import Stage

    with Stage() as stage:
        web = stage.deploy("charms/job", "web", units=3)
        web[0].cut_off()
        stage.pass_time("61s")
        assert web.leader is not web[0]

See docs/testing-charms.md. What is not named here is Tenure's own: simulated time, lines and
machines, on which its own tests stand as well. The worlds in which everything goes wrong are built
of it: `tenure.simulation`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenure.testing.kit.app import App as App
    from tenure.testing.kit.errors import Forbidden as Forbidden
    from tenure.testing.kit.errors import KitError as KitError
    from tenure.testing.kit.errors import WorldsFailed as WorldsFailed
    from tenure.testing.kit.halt import Halt as Halt
    from tenure.testing.kit.interrupted import interrupted as interrupted
    from tenure.testing.kit.records import Call as Call
    from tenure.testing.kit.records import HookRun as HookRun
    from tenure.testing.kit.records import Outcome as Outcome
    from tenure.testing.kit.stage import Stage as Stage
    from tenure.testing.kit.unit import Unit as Unit

_PLACES = {
    "App": "app", "Call": "records", "Forbidden": "errors", "Halt": "halt", "HookRun": "records",
    "KitError": "errors", "Outcome": "records", "Stage": "stage", "Unit": "unit",
    "WorldsFailed": "errors", "interrupted": "interrupted",
}  # fmt: skip

__all__ = list(_PLACES)


def __getattr__(name: str) -> object:
    """Each is loaded when it is asked for: pytest's plugin is loaded in tests that use none."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.kit.{_PLACES[name]}"), name)
