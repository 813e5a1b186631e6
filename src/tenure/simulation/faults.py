"""Everything that can go wrong in a simulated world, as one table.

A fault is a function of the world: it draws whom it hits and for how long, does it, notes it in the
story, and sees to its end. The operators are in the table too: they act at the worst moment, since
moments are drawn. Each world knows only some rows (`climate`), so that rare ones meet.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tenure.simulation.disk import ModelDisk
from tenure.simulation.machine import Machine
from tenure.simulation.network import USUAL_DELAY
from tenure.stores.memory import MemoryDisk

if TYPE_CHECKING:
    from tenure.simulation.world import World

SPANS = (0.002, 0.02, 0.1, 0.3, 0.6, 0.97, 1.05, 1.5)
"""How long things last, in leases: often just below or above one."""


class Fault(Struct, frozen=True):
    """One row. `hardware`: it needs a disk that can lose what was not synced."""

    name: str
    weight: int
    strike: Callable[[World], None]
    hardware: bool = False


# -- the network


def cut(world: World) -> None:
    """A connection breaks."""
    machine = world.leader_or_anyone()
    world.note(f"the connection of {machine.instance} breaks")
    machine.link.cut()


def block(world: World) -> None:
    """A link lets nothing through, one way or both."""
    machine = world.leader_or_anyone()
    up, down = world.rng.choice(((True, True), (True, False), (False, True)))
    way = "both ways" if up and down else "towards the controller" if up else "from the controller"
    span = world.span()
    world.note(f"the link of {machine.instance} is blocked {way} for {span:.2f} s")
    machine.link.block(up=up, down=down)
    world.later(span, machine.link.lift)
    if world.rng.random() < 0.3:
        world.later(span, machine.link.cut)


def slow(world: World) -> None:
    """A link is slow."""
    machine, span = world.leader_or_anyone(), world.span()
    takes = world.rng.choice((0.02, 0.1, 0.3, 0.6)) * world.duration
    world.note(f"the link of {machine.instance} takes up to {takes:.2f} s for {span:.2f} s")
    machine.link.delay = (0.0, takes)
    world.later(span, partial(setattr, machine.link, "delay", USUAL_DELAY))


# -- agents and their machines


def kill_agent(world: World) -> None:
    """kill -9 of an agent, often the leader's."""
    machine = world.leader_or_anyone()
    world.note(f"kill -9 of the agent of {machine.instance}")
    machine.kill()
    world.restart(machine, world.span())


def kill_agent_at_a_save(world: World) -> None:
    """kill -9 of an agent in the middle of writing its state."""
    machine = world.leader_or_anyone()
    world.note(f"the agent of {machine.instance} will be killed while it saves")
    machine.disk.dies_at = world.rng.randint(1, 4)
    world.later(world.duration, lambda: world.restart(machine, world.span()))


def stop_agent(world: World) -> None:
    """SIGSTOP: everything it believed is old when it goes on."""
    machine, span = world.leader_or_anyone(), world.span()
    process = machine.process
    if process is None or not machine.alive:
        return
    world.note(f"SIGSTOP of the agent of {machine.instance} for {span:.2f} s")
    process.stop()
    machine.link.watch()
    world.later(span, process.go_on)


def suspend(world: World) -> None:
    """A machine is suspended: its timers do not count that time, BOOTTIME does."""
    machine, span = world.leader_or_anyone(), world.span()
    if machine.process is None or not machine.alive:
        return
    if machine.process.is_stopped_by("suspend"):
        return
    world.note(f"the machine of {machine.instance} is suspended for {span:.2f} s")
    processes = {machine.process, *(hook.process for hook in machine.hooks)}
    for process in processes:
        process.stop("suspend")
    machine.link.watch()

    def resume() -> None:
        world.loop.delay_timers(processes, span)
        for process in sorted(processes, key=lambda process: process.name):
            process.go_on("suspend")

    world.later(span, resume)


def power_off(world: World) -> None:
    """A machine loses power, and boots again."""
    machine = world.anyone()
    world.note(f"the machine of {machine.instance} loses power")
    machine.power_off()
    world.restart(machine, world.span())


def stop_cleanly(world: World) -> None:
    """SIGTERM: the agent hands over and ends."""
    machine = world.leader_or_anyone()
    if machine.process is None or not machine.alive or machine.agent is None:
        return
    world.note(f"SIGTERM to the agent of {machine.instance}")
    world.loop.call_soon(machine.agent.stop, context=machine.process.context)
    world.later(world.duration * 1.5, lambda: world.restart(machine, 0.0))


def fill_agents_disk(world: World) -> None:
    """An agent cannot save its state for a while."""
    machine, span = world.anyone(), world.span()
    world.note(f"the disk of {machine.instance} is full for {span:.2f} s")
    machine.disk.full = True
    world.later(span, partial(setattr, machine.disk, "full", False))


def slow_agents_disk(world: World) -> None:
    """An agent's saves take long, and it can do nothing meanwhile."""
    machine, span = world.anyone(), world.span()
    stalls = world.rng.choice((0.05, 0.3, 0.8, 1.2)) * world.duration
    if world.rng.random() < 0.5:  # because the worst moment is that of becoming leader
        elect_unit(world, machine.unit)
    world.note(f"saves of {machine.instance} take up to {stalls:.2f} s for {span:.2f} s")
    machine.disk.stalls = stalls
    world.later(span, partial(setattr, machine.disk, "stalls", 0.0))


def clone(world: World) -> None:
    """The same unit is started a second time, from another state folder."""
    original = world.leader_or_anyone()
    machine = world.add_machine(original.unit, clone=True)
    world.note(f"{machine.instance} is started: {original.unit} runs twice")
    machine.start()
    world.later(world.span() * 2, lambda: world.retire(machine))


def set_wall_clock(world: World) -> None:
    """Somebody sets a wall clock; nothing may come of it."""
    clock = world.rng.choice([world.host.clock, *(machine.clock for machine in world.machines)])
    clock.wall_offset = world.rng.choice((-86400.0, -3.0, 0.0, 5.0, 1e6))
    world.note("a wall clock is set")


def hypervisor_pause(world: World) -> None:
    """A machine is held, and no clock of it ever tells."""
    machine, span = world.leader_or_anyone(), world.span()
    process = machine.process
    if process is None or not machine.alive or process.stopped:
        return
    world.note(f"the hypervisor holds {machine.instance} for {span:.2f} s")
    process.stop("hypervisor")
    machine.clock.hold()
    machine.link.watch()

    def resume() -> None:
        machine.clock.go_on()
        process.go_on("hypervisor")

    world.later(span, resume)


# -- hooks


def kill_hook(world: World) -> None:
    """A hook is killed from outside."""
    running = [(machine, hook) for machine in world.machines for hook in machine.hooks]
    if running:
        machine, hook = world.rng.choice(running)
        world.note(f"kill -9 of {hook.command.hook} of {machine.instance}")
        hook.end("killed", "signal: killed")


# -- the controller


def kill_controller(world: World) -> None:
    """kill -9 of the controller."""
    world.note("kill -9 of the controller")
    world.host.kill()
    world.later(world.span(), world.start_controller)


def stop_controller(world: World) -> None:
    """SIGSTOP of the controller."""
    process, span = world.host.process, world.span()
    if process is None or process.dead:
        return
    world.note(f"SIGSTOP of the controller for {span:.2f} s")
    process.stop()
    for machine in world.machines:
        machine.link.watch()
    world.later(span, process.go_on)


def controller_loses_power(world: World) -> None:
    """The controller's machine loses power: what was not synced is lost."""
    world.note("the controller's machine loses power")
    world.host.kill(power=True)
    world.later(world.span(), world.start_controller)


def kill_at_a_commit(world: World) -> None:
    """kill -9 of the controller in the middle of a commit, before or after it has landed."""
    _die_at_a_commit(world, power=False)


def lose_power_at_a_commit(world: World) -> None:
    """The controller's machine loses power in the middle of a commit."""
    _die_at_a_commit(world, power=True)


def _die_at_a_commit(world: World, *, power: bool) -> None:
    disk, span, left = world.host.disk, world.span(), world.rng.randint(1, 6)
    takes = disk.takes
    world.note(f"the controller will {'lose power' if power else 'be killed'} in a commit")

    def die() -> None:
        if world.host.alive:
            world.note("the controller dies in the middle of a commit")
            world.host.kill(power=power)
            world.later(span, world.start_controller)

    def deadly() -> float:
        nonlocal left
        half = takes()
        left -= 1
        if left == 0:
            if disk.takes is deadly:
                disk.takes = takes
            world.later(world.rng.uniform(0.0, 1.3) * half, die)
        return half

    disk.takes = deadly


def lead_alone_and_unheard(world: World) -> None:
    """Only the leader is there, and its words stay under way until its lease is over: then it may
    be granted a new term, while a write under the older one is still to come (G6)."""
    leaders = [m for m in world.machines if m.believes() is not None and m.alive]
    if not leaders:
        return
    leader, duration = world.rng.choice(leaders), world.duration
    world.note(f"only {leader.instance} is there, and its words stay under way")
    for other in world.machines:
        if other is not leader and _app(other.unit) == _app(leader.unit):
            other.link.block(up=True, down=True)
            other.link.cut()
            world.later(1.4 * duration, other.link.lift)
    leader.link.block(up=True, down=False)
    world.later(1.1 * duration, leader.link.lift)
    for part in (0.05, 0.2, 0.35, 0.5):
        world.later(part * duration, leader.be_busy)


def fill_disk(world: World) -> None:
    """The store's disk is full for a while."""
    disk, span = world.host.disk, world.span()
    world.note(f"the controller's disk is full for {span:.2f} s")
    disk.full = True
    world.later(span, partial(setattr, disk, "full", False))


def doubt_commits(world: World) -> None:
    """The next commits are refused, or nobody can say whether they landed."""
    fates = ("refused", "unsure-landed", "unsure-not-landed", "unsure-late")
    chosen = [world.rng.choice(fates) for _ in range(world.rng.randint(1, 3))]
    world.note(f"the next commits: {', '.join(chosen)}")
    faults: list[Any] = world.host.disk.faults
    faults.extend(chosen)
    world.later(world.span(), world.host.disk.deliver_late)


def slow_commits(world: World) -> None:
    """Commits take long."""
    span = world.span()
    takes = world.rng.choice((0.01, 0.1, 0.4)) * world.duration
    world.note(f"commits take up to {2 * takes:.2f} s for {span:.2f} s")
    disk = world.host.disk
    disk.takes = lambda: world.rng.uniform(0.0, takes)
    world.later(span, partial(setattr, disk, "takes", world.quick_commit))


def failing_sync(world: World) -> None:
    """fsync fails for a while."""
    disk, span = world.host.disk, world.span()
    assert isinstance(disk, ModelDisk)
    world.note(f"fsync of the store fails for {span:.2f} s")
    disk.sync_fails = True
    world.later(span, partial(setattr, disk, "sync_fails", False))


# -- operators


def elect(world: World) -> None:
    """`tenure elect`."""
    elect_unit(world, world.anyone().unit)


def elect_unit(world: World, unit: str) -> None:
    world.operate(f"elect {unit}", f"/v1/applications/{_app(unit)}/elect", {"unit": unit})


def step_down(world: World) -> None:
    """`tenure step-down`."""
    app = world.any_application()
    world.operate(f"step-down {app}", f"/v1/applications/{app}/step-down")


def pin(world: World) -> None:
    """`tenure pin` and `tenure unpin`."""
    app, reason = world.any_application(), world.rng.choice(("upgrade", "backup"))
    if world.rng.random() < 0.6:
        body = {"reason": reason, "seconds": max(0.1, world.span())}
        world.operate(f"pin {app} {reason}", f"/v1/applications/{app}/pin", body)
    else:
        path = f"/v1/applications/{app}/unpin"
        world.operate(f"unpin {app} {reason}", path, {"reason": reason})


def revoke(world: World) -> None:
    """`tenure revoke --yes`."""
    app = world.any_application()
    world.operate(f"revoke {app}", f"/v1/applications/{app}/revoke")


def change_lease(world: World) -> None:
    """`tenure lease`."""
    _set_lease(world, world.any_application(), world.rng.choice((0.3, 0.5, 1.0, 1.5)))


def _set_lease(world: World, app: str, factor: float) -> None:
    body = {"duration": world.duration * factor, "guarantee": world.guarantee * factor}
    world.operate(f"lease {app} x {factor}", f"/v1/applications/{app}/lease", body)


def lower_lease_and_restart(world: World) -> None:
    """A lease is made shorter while its holder is cut off, and the controller is killed (L8)."""
    machine = world.leader_or_anyone()
    world.note(f"the link of {machine.instance} is blocked both ways")
    machine.link.block(up=True, down=True)
    world.later(1.5 * world.duration, machine.link.lift)
    _set_lease(world, _app(machine.unit), 0.3)
    world.later(0.1 * world.duration, lambda: kill_controller(world))
    world.later(0.15 * world.duration, world.start_controller)


def write_and_be_cut_off(world: World) -> None:
    """The leader's words to the controller stay under way until it leads no more."""
    machine = world.leader_or_anyone()
    world.note(f"what {machine.instance} says stays under way for a while")
    machine.link.block(up=True, down=False)
    if world.rng.random() < 0.5:
        world.later(0.1 * world.duration, lambda: revoke(world))
    world.later(world.rng.choice((0.3, 1.05, 1.5)) * world.duration, machine.link.lift)
    machine.be_busy()


def resolve(world: World) -> None:
    """`tenure resolve`, with or without retry."""
    unit, retry = world.anyone().unit, world.rng.random() < 0.5
    path = f"/v1/units/{unit}/resolve"
    world.operate(f"resolve {unit} {'again' if retry else 'skip'}", path, {"retry": retry})


def add_unit(world: World) -> None:
    """`tenure add-unit`."""
    app = world.any_application()
    if len(world.machines) < world.most_units:
        world.join(app)


def remove_unit(world: World) -> None:
    """`tenure remove-unit`, sometimes with --force."""
    units = world.units()
    if len(units) < 3:
        return
    unit, force = world.rng.choice(units), world.rng.random() < 0.3
    path = f"/v1/units/{unit}/remove"
    world.operate(f"remove-unit {unit}{' --force' if force else ''}", path, {"force": force})


def recreate(world: World) -> None:
    """The application is removed, and created again: its term and revision go on (G8)."""
    if world.rng.random() < 0.5:  # because the worst moment is that of a failing commit
        world.note("the next commit: refused")
        world.host.disk.faults.insert(0, "refused")
    world.recreate(world.any_application())


def _app(unit: str) -> str:
    return unit.rpartition("/")[0]


FAULTS: tuple[Fault, ...] = (
    Fault("cut", 8, cut),
    Fault("block", 8, block),
    Fault("slow", 8, slow),
    Fault("kill-agent", 6, kill_agent),
    Fault("kill-agent-at-a-save", 4, kill_agent_at_a_save),
    Fault("stop-agent", 6, stop_agent),
    Fault("suspend", 4, suspend),
    Fault("power-off", 3, power_off),
    Fault("stop-cleanly", 4, stop_cleanly),
    Fault("fill-agents-disk", 3, fill_agents_disk),
    Fault("slow-agents-disk", 4, slow_agents_disk),
    Fault("clone", 3, clone),
    Fault("set-wall-clock", 1, set_wall_clock),
    Fault("hypervisor-pause", 15, hypervisor_pause),
    Fault("kill-hook", 4, kill_hook),
    Fault("kill-controller", 5, kill_controller),
    Fault("kill-at-a-commit", 5, kill_at_a_commit),
    Fault("lose-power-at-a-commit", 4, lose_power_at_a_commit, hardware=True),
    Fault("lead-alone-and-unheard", 4, lead_alone_and_unheard),
    Fault("stop-controller", 4, stop_controller),
    Fault("controller-loses-power", 4, controller_loses_power, hardware=True),
    Fault("fill-disk", 3, fill_disk),
    Fault("doubt-commits", 5, doubt_commits),
    Fault("slow-commits", 5, slow_commits),
    Fault("failing-sync", 4, failing_sync, hardware=True),
    Fault("elect", 6, elect),
    Fault("step-down", 4, step_down),
    Fault("pin", 3, pin),
    Fault("revoke", 3, revoke),
    Fault("change-lease", 3, change_lease),
    Fault("lower-lease-and-restart", 3, lower_lease_and_restart),
    Fault("write-and-be-cut-off", 5, write_and_be_cut_off),
    Fault("resolve", 3, resolve),
    Fault("add-unit", 2, add_unit),
    Fault("remove-unit", 2, remove_unit),
    Fault("recreate", 2, recreate),
)


def usual(machine: Machine) -> None:
    """All is well again with a machine; but who is suspended wakes in its own time."""
    machine.link.delay = USUAL_DELAY
    machine.disk.full = False
    machine.disk.stalls = 0.0
    machine.disk.dies_at = None
    machine.ambush = None
    machine.disk.slow_election = 0.0
    machine.link.lift()
    machine.clock.go_on()
    if machine.process is not None:
        machine.process.go_on()
        machine.process.go_on("hypervisor")


def usual_disk(disk: MemoryDisk | ModelDisk) -> None:
    """All is well again with the store's disk."""
    disk.full = False
    disk.faults.clear()
    disk.deliver_late()
    if isinstance(disk, ModelDisk):
        disk.sync_fails = False
