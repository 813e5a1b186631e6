"""Disks that fail: filled by the kernel's limit on file sizes, or by the shim in any other way."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.torture.scene import Scene
from tests.torture.watch import CONTROLLER, Life


def fills_by_limit(scene: Scene, life: Life) -> None:
    """The kernel's limit on file sizes, for one process."""
    _, hard = resource.prlimit(life.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(life.pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        with _nobody_ends(scene, "no byte fits any file"):
            scene.tenure.rest(scene.rng.uniform(0.4, 1.5))
    finally:
        with suppress(ProcessLookupError, PermissionError):
            resource.prlimit(life.pid, resource.RLIMIT_FSIZE, (hard, hard))


def limit_controller(scene: Scene) -> None:
    """The controller can write no byte to any file."""
    with suppress(ProcessLookupError):
        fills_by_limit(scene, scene.tenure.controller())


def limit_agent(scene: Scene) -> None:
    """Nor can an agent."""
    with suppress(ProcessLookupError):
        fills_by_limit(scene, scene.tenure.agent(scene.anyone()))


def fails(kind: str, where: str) -> Callable[[Scene], None]:
    def fault(scene: Scene) -> None:
        path = _place(scene, where)
        every = scene.rng.choice((1, 1, 2, 3))
        with (
            _nobody_ends(scene, f"{kind} of {where}"),
            scene.tenure.shim.failing(kind, path, every),
        ):
            scene.tenure.rest(scene.rng.uniform(0.4, 1.8))
            if scene.rng.random() < 0.25:
                role = CONTROLLER if where == CONTROLLER else scene.anyone()
                life = scene.tenure.watch.of(role)
                if life is not None:
                    scene.kill(life, "amid a failing disk")

    fault.__doc__ = f"{kind}: the disk of {where}."
    return fault


@contextmanager
def _nobody_ends(scene: Scene, meanwhile: str) -> Iterator[None]:
    """A failing disk ends nobody who runs: no restart is needed once it is well again."""
    lives = scene.tenure.lives()
    yield
    scene.tenure.watch.look()
    scene.figures.faults_found += [
        f"{life.role} (pid {life.pid}) ended by itself: {meanwhile}"
        for life in lives
        if not life.is_there and life.killed_at is None and not life.asked
    ]


def _place(scene: Scene, where: str) -> Path:
    paths = scene.tenure.paths
    places: dict[str, Callable[[], Path]] = {
        CONTROLLER: lambda: paths.controller_folder,
        "an agent": lambda: paths.unit_folder(scene.anyone()),
        "everybody": lambda: paths.state,
    }
    return places[where]()
