"""What goes wrong with the controller, its machine and its store."""

from __future__ import annotations

from functools import partial
from typing import Any

from tenure.simulation.disk import ModelDisk
from tenure.simulation.world import World


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
