"""Everything that can go wrong in a simulated world, as one table.

A fault is a function of the world: it draws whom it hits and for how long, does it, notes it in the
story, and sees to its end. The operators are in the table too. Each world knows only some rows, so
that rare ones meet; the order of the rows is part of every seed's story.
"""

from __future__ import annotations

from tenure.simulation.faults import agents, controller, operators, peers
from tenure.simulation.life import Fault

__all__ = ["FAULTS"]

FAULTS: tuple[Fault, ...] = (
    Fault("cut", 8, agents.cut),
    Fault("block", 8, agents.block),
    Fault("slow", 8, agents.slow),
    Fault("kill-agent", 6, agents.kill_agent),
    Fault("kill-agent-at-a-save", 4, agents.kill_agent_at_a_save),
    Fault("stop-agent", 6, agents.stop_agent),
    Fault("suspend", 4, agents.suspend),
    Fault("power-off", 3, agents.power_off),
    Fault("stop-cleanly", 4, agents.stop_cleanly),
    Fault("fill-agents-disk", 3, agents.fill_agents_disk),
    Fault("slow-agents-disk", 4, agents.slow_agents_disk),
    Fault("clone", 3, agents.clone),
    Fault("set-wall-clock", 1, agents.set_wall_clock),
    Fault("hypervisor-pause", 15, agents.hypervisor_pause),
    Fault("kill-hook", 4, agents.kill_hook),
    Fault("kill-controller", 5, controller.kill_controller),
    Fault("kill-at-a-commit", 5, controller.kill_at_a_commit),
    Fault("lose-power-at-a-commit", 4, controller.lose_power_at_a_commit, hardware=True),
    Fault("lead-alone-and-unheard", 4, agents.lead_alone_and_unheard),
    Fault("stop-controller", 4, controller.stop_controller),
    Fault("controller-loses-power", 4, controller.controller_loses_power, hardware=True),
    Fault("fill-disk", 3, controller.fill_disk),
    Fault("doubt-commits", 5, controller.doubt_commits),
    Fault("slow-commits", 5, controller.slow_commits),
    Fault("failing-sync", 4, controller.failing_sync, hardware=True),
    Fault("elect", 6, operators.elect),
    Fault("step-down", 4, operators.step_down),
    Fault("pin", 3, operators.pin),
    Fault("revoke", 3, operators.revoke),
    Fault("change-lease", 3, operators.change_lease),
    Fault("lower-lease-and-restart", 3, operators.lower_lease_and_restart),
    Fault("write-and-be-cut-off", 5, operators.write_and_be_cut_off),
    Fault("resolve", 3, operators.resolve),
    Fault("add-unit", 2, operators.add_unit),
    Fault("remove-unit", 2, operators.remove_unit),
    Fault("recreate", 2, operators.recreate),
    Fault("configure", 10, peers.configure, of_peers=True),
    Fault("hand-in-charm", 4, peers.hand_in_charm, of_peers=True),
    Fault("lead-and-lose-it-at-the-end", 6, peers.lead_and_lose_it_at_the_end, of_peers=True),
    Fault("stall-before-leader-elected", 3, peers.stall_before_leader_elected, of_peers=True),
    Fault("pin-an-absent-leader", 2, peers.pin_an_absent_leader, of_peers=True),
    Fault("starve", 10, agents.starve, apart=True),
)
