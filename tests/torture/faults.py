"""What is done to Tenure's processes: one function of a few lines for each fault.

A fault does its worst and undoes what would last for ever; it waits for no recovery, that is the
driver's. What must be undone is undone also if the run is interrupted.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tenure.statefolder import StateFolder
from tests.torture.running import GUARANTEE, LEASE, PYTHON, NotSo, Torn
from tests.torture.scene import Scene, meddle
from tests.torture.watch import Life, argv_of, children_of

PAST = 1.0
"""Seconds beyond a lease that something is stopped for."""


# -- agents


def kill_leader(scene: Scene) -> None:
    """Its agent is killed, and back before the lease is over."""
    scene.kill(scene.tenure.agent(scene.leader()), "leader's agent")


def kill_leader_for_good(scene: Scene) -> None:
    """Its agent is killed whenever it is back, until another unit leads."""
    leader = scene.leader()

    def is_followed() -> bool:
        found = scene.tenure.watch.of(leader)
        if found is not None:
            scene.kill(found, "leader's agent")
        return scene.tenure.leader() not in (leader, None)

    with suppress(NotSo):
        scene.tenure.wait(is_followed, "another to lead", 25.0)


def kill_minion(scene: Scene) -> None:
    """A minion's agent is killed."""
    scene.kill(scene.tenure.agent(scene.minion()), "minion's agent")


def kill_all_agents(scene: Scene) -> None:
    """All at once."""
    for agent in [scene.tenure.agent(unit) for unit in scene.tenure.units]:
        scene.kill(agent, "any agent")


def kill_with_warden(scene: Scene) -> None:
    """The warden is killed, and then its agent: a ghost of a hook may be left (H5)."""
    agent = scene.tenure.agent(scene.anyone())
    for pid in children_of(agent.pid):
        if any(word.endswith("warden.py") for word in argv_of(pid)):
            scene.tenure.kill_hook(pid)
            scene.figures.kills["warden"] += 1
    scene.kill(agent, "any agent")


def stop_leader_cleanly(scene: Scene) -> None:
    """SIGTERM: it hands over (U4)."""
    agent = scene.tenure.agent(scene.leader())
    agent.asked = True
    agent.send(signal.SIGTERM)
    scene.tenure.wait(lambda: not scene.tenure.is_there(agent), "it to end", 15.0)


def pause_leader_past_lease(scene: Scene) -> None:
    """Its agent is stopped in the middle of a hook, until another unit leads and runs one."""
    leader = scene.leader()
    others = [unit for unit in scene.tenure.units if unit != leader]
    _wait_for_hook(scene, leader)
    with scene.pauses(scene.tenure.agent(leader)), suppress(NotSo):
        scene.tenure.wait(lambda: scene.tenure.leader() in others, "another to lead", 25.0)
        _wait_for_hook(scene, scene.leader())
        scene.moment(0.3)


def _wait_for_hook(scene: Scene, unit: str) -> None:
    """Wait until a hook of the unit runs, but not for long."""
    with suppress(NotSo):
        scene.tenure.wait(lambda: scene.tenure.hooks_of(unit), f"a hook of {unit}", 2.0)


def pause_leader_shortly(scene: Scene) -> None:
    """Its agent is stopped for less than the lease, then for a little less than that."""
    with scene.pauses(scene.tenure.agent(scene.leader())):
        scene.tenure.rest(scene.rng.uniform(0.2, LEASE - 1))


def pause_all_past_lease(scene: Scene) -> None:
    """Everybody sleeps too long, and wakes in any order."""
    lives = scene.tenure.lives()
    with scene.pauses(*lives):
        scene.tenure.rest(LEASE + PAST)


def run_a_clone(scene: Scene) -> None:
    """A second agent of the leader: its folder is copied, and all but its instance is the same.

    It is refused while the first is connected; and when that is killed, while it may believe.
    """
    tenure, unit = scene.tenure, scene.leader()
    first, folder = tenure.agent(unit), tenure.folder / "c"
    with clone_of(tenure, unit, folder) as (paths, clone):
        tenure.wait(lambda: "refuses" in _log_of(paths, unit), "the clone to be refused", 10.0)
        if _is_told_true(paths, unit) and first.is_there and clone.is_there:
            scene.figures.faults_found.append(f"L9 broken: a clone of {unit} was told True")
        scene.kill(first, "leader's agent")
        tenure.rest(1.5)
        scene.kill(clone, "clone")
    shutil.rmtree(folder, ignore_errors=True)


def _is_told_true(paths: StateFolder, unit: str) -> bool:
    """What `is-leader` says, if it says anything soon."""
    argv = [*PYTHON, "tenure", "exec", "--state", str(paths.state), unit, "--", "is-leader"]
    with suppress(subprocess.TimeoutExpired):
        asked = subprocess.run(
            argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=2, check=False
        )
        return asked.stdout == b"True\n"
    return False


@contextmanager
def clone_of(tenure: Torn, unit: str, state: Path) -> Iterator[tuple[StateFolder, Life]]:
    """An agent with a copy of the unit's state, in another folder, at the same controller."""
    paths = StateFolder(state)
    shutil.rmtree(state, ignore_errors=True)
    paths.ensure()
    paths.controller_socket.symlink_to(tenure.paths.controller_socket)
    shutil.copytree(
        tenure.paths.unit_folder(unit), paths.unit_folder(unit), symlinks=True,
        ignore=shutil.ignore_patterns("instance", "lock", "log", "*.new", "*.log"),
    )  # fmt: skip
    process = subprocess.Popen(
        [*PYTHON, "tenure.agent", "--state", str(state), "--charm", str(tenure.charm), unit],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    life = tenure.watch.adopt(f"clone of {unit}", process.pid)
    try:
        tenure.wait((paths.unit_folder(unit) / "instance").exists, "the clone's instance")
        life.instance = (paths.unit_folder(unit) / "instance").read_text().strip()
        yield paths, life
    finally:
        process.kill()
        process.communicate()


def _log_of(paths: StateFolder, unit: str) -> str:
    with suppress(OSError):
        return paths.unit_log(unit).read_text("utf-8", "replace")
    return ""


# -- the controller, and all of it


def kill_controller(scene: Scene) -> None:
    """While hooks write."""
    scene.moment(0.5)
    scene.kill(scene.tenure.controller(), "controller")


def kill_controller_twice(scene: Scene) -> None:
    """Again as soon as it is back."""
    for _ in range(2):
        scene.kill(scene.tenure.controller(), "controller")
    scene.tenure.controller()
    scene.moment(0.5)


def kill_controller_and_leader(scene: Scene) -> None:
    """Both at once."""
    agent = scene.tenure.agent(scene.leader())
    scene.kill(scene.tenure.controller(), "controller")
    scene.kill(agent, "leader's agent")


def pause_controller_past_lease(scene: Scene) -> None:
    """All belief is over before it wakes."""
    with scene.pauses(scene.tenure.controller()):
        scene.tenure.rest(LEASE + PAST)


def pause_controller_shortly(scene: Scene) -> None:
    """Renewals and writes wait; one in three is killed before it wakes."""
    controller = scene.tenure.controller()
    with scene.pauses(controller):
        scene.tenure.rest(scene.rng.uniform(0.2, LEASE - GUARANTEE))
        if scene.rng.random() < 0.3:
            scene.kill(controller, "controller")


def kill_up(scene: Scene) -> None:
    """kill -9 of `tenure up`: everything dies within a second, and comes again."""
    scene.tenure.end_up(signal.SIGKILL)
    scene.figures.kills["all of Tenure"] += 1
    scene.tenure.up()


def end_up(scene: Scene) -> None:
    """Ctrl-C for `tenure up`, a second one if a hook hangs, and up again."""
    code = scene.tenure.end_up(signal.SIGINT)
    if code != 0:
        scene.figures.faults_found.append(f"`tenure up` ended with {code} after Ctrl-C")
    scene.tenure.up()


# -- hooks and tools


def kill_a_hook(scene: Scene) -> None:
    """One that runs, of any unit."""
    unit = scene.anyone()
    scene.tenure.wait(lambda: scene.tenure.hooks_of(unit), f"a hook of {unit}")
    for pid in scene.tenure.hooks_of(unit):
        scene.tenure.kill_hook(pid)
        scene.figures.kills["hook"] += 1


def kill_a_tool(scene: Scene) -> None:
    """One that waits for the controller, which is stopped meanwhile: mostly a write."""
    unit = scene.leader()
    for _ in range(3):
        with scene.pauses(scene.tenure.controller()), suppress(NotSo):
            scene.tenure.wait(lambda: _waiting_tools(scene, unit), "a tool that waits", 2.0)
            for pid in _waiting_tools(scene, unit):
                scene.tenure.kill_hook(pid)
                scene.figures.kills["hook tool"] += 1
            return


def _waiting_tools(scene: Scene, unit: str) -> list[int]:
    called = [tool for hook in scene.tenure.hooks_of(unit) for tool in children_of(hook)]
    return [tool for tool in called if argv_of(tool)[:1] in (["leader-set"], ["leader-get"])]


# -- operators


def operate(scene: Scene) -> None:
    """Orders, one upon the other."""
    for _ in range(3):
        meddle(scene)
        scene.moment(0.3)
