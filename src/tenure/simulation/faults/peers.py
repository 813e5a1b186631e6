"""What operators do to charms at the worst moments: rows for worlds with peer relations only."""

from __future__ import annotations

from tenure.names import application_of
from tenure.simulation.faults.operators import elect_unit
from tenure.simulation.peer_charm import OPTION
from tenure.simulation.world import World


def configure(world: World) -> None:
    """`tenure config`, often right before something else goes wrong, or before it comes again."""
    application = world.any_application()
    _configure(world, application)
    if world.rng.random() < 0.4:
        soon = world.rng.choice((0.005, 0.02, 0.1 * world.guarantee))
        world.later(soon, lambda: _configure(world, application))
    _make_it_worse(world)


def _configure(world: World, application: str) -> None:
    if world.rng.random() < 0.15:
        body: dict[str, object] = {"reset": [OPTION]}
        words = f"config {application} --reset {OPTION}"
    else:
        level = world.call_id().removeprefix("v")
        body, words = {"put": {OPTION: level}}, f"config {application} {OPTION}={level}"
    world.operators.order(words, f"/v1/applications/{application}/config", body)


def hand_in_charm(world: World) -> None:
    """`tenure refresh`: the same charm again, or one with another endpoint, or without it again."""
    assert world.peer_charm is not None
    application, later = world.any_application(), world.rng.random() < 0.5
    charm = world.peer_charm.given(
        application, world.update_every, later=later, at=world.loop.time()
    )
    which = "a later" if later else "its first"
    world.operators.order(
        f"refresh {application} with {which} charm", f"/v1/applications/{application}/charm", charm
    )
    _make_it_worse(world)


def _make_it_worse(world: World) -> None:
    machine, drawn = world.anyone(), world.rng.random()
    soon = world.rng.uniform(0.0, 0.02)
    if drawn < 0.2:
        world.note(f"kill -9 of the agent of {machine.instance}, soon")
        world.later(soon, machine.kill)
        world.restart(machine, soon + world.span())
    elif drawn < 0.4:
        world.note(f"the connection of {machine.instance} breaks, soon")
        world.later(soon, machine.link.cut)
    elif drawn < 0.5:
        world.note("the next commits: refused")
        world.host.disk.faults.insert(0, "refused")
    elif drawn < 0.7:
        machine.be_busy()


def lead_and_lose_it_at_the_end(world: World) -> None:
    """A leader writes its application's bag, and what it says from then on stays under way until
    somebody else may lead: what its hook left pending comes when it must not land any more (G6)."""
    machine, duration = world.leader_or_anyone(), world.duration
    world.note(f"when {machine.instance} writes as a leader, its words stay under way")

    def block() -> None:
        machine.ambush = None
        world.note(f"what {machine.instance} says stays under way for a while")
        machine.link.block(up=True, down=False)
        if world.rng.random() < 0.5:
            soon = world.rng.choice((0.05, 0.2)) * duration
            world.later(soon, lambda: revoke_from(world, machine.unit))
        world.later(world.rng.choice((0.3, 1.05)) * duration, machine.link.lift)

    machine.ambush = block
    for part in (0.0, 0.1, 0.2, 0.35):
        world.later(part * duration, machine.be_busy)


def stall_before_leader_elected(world: World) -> None:
    """A unit is elected, and the save before its leader-elected takes so long that it may not lead
    any more when that could begin (H2)."""
    machine = world.anyone()
    machine.disk.slow_election = world.rng.uniform(0.8, 1.3) * world.duration
    world.note(
        f"before its leader-elected, {machine.instance} is busy saving for "
        f"{machine.disk.slow_election:.2f} s"
    )
    revoke_from(world, machine.unit)
    world.later(0.01 * world.duration, lambda: elect_unit(world, machine.unit))


def revoke_from(world: World, unit: str) -> None:
    """`tenure revoke --yes` of the unit's application."""
    application = application_of(unit)
    world.operators.order(f"revoke {application}", f"/v1/applications/{application}/revoke")


def pin_an_absent_leader(world: World) -> None:
    """A lease is pinned, and its holder away for longer than it lasts: it must not run out (L6)."""
    machine, duration = world.leader_or_anyone(), world.duration
    application = application_of(machine.unit)
    world.operators.order(
        f"pin {application} upgrade", f"/v1/applications/{application}/pin",
        {"reason": "upgrade", "seconds": 2.5 * duration},
    )  # fmt: skip
    world.note(f"kill -9 of the agent of {machine.instance}, soon")
    world.later(0.05 * duration, machine.kill)
    world.restart(machine, 2.0 * duration)
