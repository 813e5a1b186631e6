"""What goes wrong with agents, their machines and their links to the controller."""

from __future__ import annotations

from functools import partial

from tenure.names import application_of
from tenure.simulation.faults.operators import elect_unit, step_down_application
from tenure.simulation.load import STARVED
from tenure.simulation.machine import Machine
from tenure.simulation.network import USUAL_DELAY
from tenure.simulation.world import World
from tenure.testing.time.loop import process_now

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


def lead_alone_and_unheard(world: World) -> None:
    """Only the leader is there, and its words stay under way until its lease is over: then it may
    be granted a new term, while a write under the older one is still to come (G6)."""
    leaders = [m for m in world.machines if m.believes() is not None and m.alive]
    if not leaders:
        return
    leader, duration = world.rng.choice(leaders), world.duration
    world.note(f"only {leader.instance} is there, and its words stay under way")
    for other in world.machines:
        if other is not leader and application_of(other.unit) == application_of(leader.unit):
            other.link.block(up=True, down=True)
            other.link.cut()
            world.later(1.4 * duration, other.link.lift)
    leader.link.block(up=True, down=False)
    world.later(1.1 * duration, leader.link.lift)
    for part in (0.05, 0.2, 0.35, 0.5):
        world.later(part * duration, leader.be_busy)


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


def starve(world: World) -> None:
    """A machine has too much to do: its agent loses its turn again and again, also in the middle of
    a step, and its hooks get nowhere. The worst moment for that is when it is to give up."""
    leaders = [m for m in world.machines if m.believes() is not None and m.alive]
    machine = world.rng.choice(leaders or world.machines)
    machine.be_busy()
    if world.rng.random() < 0.7:
        step_down_application(world, application_of(machine.unit))
    world.later(0.05, partial(_starve, world, machine, 1.5 * world.guarantee + 2.0))


def _starve(world: World, machine: Machine, span: float) -> None:
    world.note(f"the agent of {machine.instance} starves for {span:.2f} s")
    load = machine.link.load
    load.heavy = True
    world.later(span, partial(setattr, load, "heavy", False))
    machine.clock.on_read = partial(_lose_a_turn_in_a_step, machine)
    for hook in machine.hooks:
        hook.process.stop(STARVED)
        world.later(span, partial(hook.process.go_on, STARVED))
    _lose_a_turn(world, machine)


def _lose_a_turn(world: World, machine: Machine) -> None:
    process, load = machine.process, machine.link.load
    if process is None or not load.heavy:
        return
    waits = load.wait()
    process.stop(STARVED)
    world.later(waits, partial(process.go_on, STARVED))
    world.later(waits + world.rng.uniform(0.2, 2.0), partial(_lose_a_turn, world, machine))


def _lose_a_turn_in_a_step(machine: Machine) -> None:
    """Only while it steps down, since what is promised then is known: nothing."""
    process, unit = process_now(), machine.inner
    if process is None or process is not machine.process or unit is None:
        return
    if unit.claimant.tracker.stepping_down:
        process.stall(machine.link.load.takes(0.12))


# -- hooks


def kill_hook(world: World) -> None:
    """A hook is killed from outside."""
    running = [(machine, hook) for machine in world.machines for hook in machine.hooks]
    if running:
        machine, hook = world.rng.choice(running)
        world.note(f"kill -9 of {hook.command.hook} of {machine.instance}")
        hook.end("killed", "signal: killed")
