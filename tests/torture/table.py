"""The table of faults: what torture is, in one look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.torture import faults
from tests.torture.disks import fails, limit_agent, limit_controller
from tests.torture.scene import Scene
from tests.torture.watch import CONTROLLER


@dataclass(frozen=True)
class Fault:
    """One line of the table. `group`: which of the short runs does it. `by_shim`: it needs the
    disk that fails on demand. `keeps_leader`: unless an operator meddles, the same unit leads
    afterwards (G9, L8)."""

    do: Callable[[Scene], None]
    group: str
    by_shim: bool = False
    keeps_leader: bool = False


FAULTS: dict[str, Fault] = {
    "kill leader's agent": Fault(faults.kill_leader, "agents"),
    "kill leader's agent for good": Fault(faults.kill_leader_for_good, "agents"),
    "kill minion's agent": Fault(faults.kill_minion, "agents"),
    "kill all agents": Fault(faults.kill_all_agents, "agents"),
    "kill warden and agent": Fault(faults.kill_with_warden, "agents"),
    "stop leader's agent cleanly": Fault(faults.stop_leader_cleanly, "belief"),
    "pause leader's agent past lease": Fault(faults.pause_leader_past_lease, "belief"),
    "pause leader's agent shortly": Fault(faults.pause_leader_shortly, "belief"),
    "two agents for one unit": Fault(faults.run_a_clone, "belief"),
    "operators": Fault(faults.operate, "belief"),
    "kill controller": Fault(faults.kill_controller, "controller", keeps_leader=True),
    "kill controller twice": Fault(faults.kill_controller_twice, "controller", keeps_leader=True),
    "kill controller and leader's agent": Fault(faults.kill_controller_and_leader, "controller"),
    "pause controller past lease": Fault(
        faults.pause_controller_past_lease, "controller", keeps_leader=True
    ),
    "pause controller shortly": Fault(
        faults.pause_controller_shortly, "controller", keeps_leader=True
    ),
    "pause everything past lease": Fault(faults.pause_all_past_lease, "belief", keeps_leader=True),
    "kill Tenure": Fault(faults.kill_up, "controller", keeps_leader=True),
    "end Tenure": Fault(faults.end_up, "controller"),
    "kill a hook": Fault(faults.kill_a_hook, "agents"),
    "kill a hook tool": Fault(faults.kill_a_tool, "agents"),
    "file size limit for controller": Fault(limit_controller, "disks"),
    "file size limit for agent": Fault(limit_agent, "disks"),
    **{
        f"{name} ({where})": Fault(fails(kind, where), "disks", by_shim=True)
        for kind, name in (
            ("full", "disk full"), ("readonly", "read-only"), ("nosync", "fsync fails"),
            ("synced", "fsync fails after all"), ("slow", "slow fsync"),
        )
        for where in (CONTROLLER, "an agent")
    },
    "disk full (everybody)": Fault(fails("full", "everybody"), "disks", by_shim=True),
    "read-only (everybody)": Fault(fails("readonly", "everybody"), "disks", by_shim=True),
}  # fmt: skip
