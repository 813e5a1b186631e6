"""What operators do at the worst moment, since moments are drawn."""

from __future__ import annotations

from tenure.names import application_of
from tenure.simulation.faults.controller import kill_controller
from tenure.simulation.world import World

MOST_UNITS = 6
"""Machines of a world, beyond which operators add none."""


def elect(world: World) -> None:
    """`tenure elect`."""
    elect_unit(world, world.anyone().unit)


def elect_unit(world: World, unit: str) -> None:
    world.operators.order(
        f"elect {unit}", f"/v1/applications/{application_of(unit)}/elect", {"unit": unit}
    )


def step_down(world: World) -> None:
    """`tenure step-down`."""
    step_down_application(world, world.any_application())


def step_down_application(world: World, app: str) -> None:
    world.operators.order(f"step-down {app}", f"/v1/applications/{app}/step-down")


def pin(world: World) -> None:
    """`tenure pin` and `tenure unpin`."""
    app, reason = world.any_application(), world.rng.choice(("upgrade", "backup"))
    if world.rng.random() < 0.6:
        body = {"reason": reason, "seconds": max(0.1, world.span())}
        world.operators.order(f"pin {app} {reason}", f"/v1/applications/{app}/pin", body)
    else:
        path = f"/v1/applications/{app}/unpin"
        world.operators.order(f"unpin {app} {reason}", path, {"reason": reason})


def revoke(world: World) -> None:
    """`tenure revoke --yes`."""
    app = world.any_application()
    world.operators.order(f"revoke {app}", f"/v1/applications/{app}/revoke")


def change_lease(world: World) -> None:
    """`tenure lease`."""
    _set_lease(world, world.any_application(), world.rng.choice((0.3, 0.5, 1.0, 1.5)))


def _set_lease(world: World, app: str, factor: float) -> None:
    body = {"duration": world.duration * factor, "guarantee": world.guarantee * factor}
    world.operators.order(f"lease {app} x {factor}", f"/v1/applications/{app}/lease", body)


def lower_lease_and_restart(world: World) -> None:
    """A lease is made shorter while its holder is cut off, and the controller is killed (L8)."""
    machine = world.leader_or_anyone()
    world.note(f"the link of {machine.instance} is blocked both ways")
    machine.link.block(up=True, down=True)
    world.later(1.5 * world.duration, machine.link.lift)
    _set_lease(world, application_of(machine.unit), 0.3)
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
    world.operators.order(f"resolve {unit} {'again' if retry else 'skip'}", path, {"retry": retry})


def add_unit(world: World) -> None:
    """`tenure add-unit`."""
    app = world.any_application()
    if len(world.machines) < MOST_UNITS:
        world.operators.add_unit(app)


def remove_unit(world: World) -> None:
    """`tenure remove-unit`, sometimes with --force."""
    units = world.units()
    if len(units) < 3:
        return
    unit, force = world.rng.choice(units), world.rng.random() < 0.3
    path = f"/v1/units/{unit}/remove"
    world.operators.order(
        f"remove-unit {unit}{' --force' if force else ''}", path, {"force": force}
    )


def recreate(world: World) -> None:
    """The application is removed, and created again: its term and revision go on (G8)."""
    if world.rng.random() < 0.5:  # because the worst moment is that of a failing commit
        world.note("the next commit: refused")
        world.host.disk.faults.insert(0, "refused")
    world.operators.recreate(world.any_application())
