"""Run a drill on a stage of its own."""

from __future__ import annotations

from dataclasses import dataclass

from tenure.clock import SystemClock
from tenure.errors import TenureError
from tenure.testing.drill.faults import Unmet
from tenure.testing.drill.parse import Drill, Line
from tenure.testing.drill.play import Play
from tenure.testing.kit.errors import Forbidden
from tenure.testing.kit.stage import Stage


@dataclass(frozen=True, slots=True)
class Failure:
    """The line at which a drill failed, what it says, and what was found instead."""

    line: int
    said: str
    found: str
    story: str


@dataclass(frozen=True, slots=True)
class Result:
    """How a drill went. `seconds` are real ones; `folder` is the stage's, if it was kept."""

    name: str
    failure: Failure | None
    seconds: float
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A drill to run on a stage of its own."""

    drill: Drill
    order: int
    name: str
    keep: bool


def run_task(task: Task) -> Result:
    """Run it."""
    drill, keep = task.drill, task.keep
    clock = SystemClock()
    began = clock.now()
    stage = Stage(order=task.order)
    try:
        failure = _played(drill, stage)
    finally:
        trouble = _closed(stage, keep)
    if failure is None and trouble:
        last = drill.lines[-1]
        failure = Failure(last.number, last.said, trouble, stage.story.last())
    folder = str(stage.folder) if keep else ""
    return Result(task.name, failure, clock.now() - began, folder)


def _played(drill: Drill, stage: Stage) -> Failure | None:
    play = Play(stage, drill.folder)
    for line in drill.lines:
        if (found := _run_line(line, play)) is not None:
            return Failure(line.number, line.said, found, stage.story.last())
    for kept, found in ((play.held(), STILL_HELD), (play.missed(), NEVER_REACHED)):
        if kept is not None:
            line = next(each for each in drill.lines if each.number == kept.line)
            return Failure(line.number, line.said, found, stage.story.last())
    return None


STILL_HELD = "the drill has ended, and this halt still holds its hook: let it go-on, or fail"
NEVER_REACHED = "the drill has ended, and this halt was never reached: see `reached`"


def _run_line(line: Line, play: Play) -> str | None:
    """What was found instead of what the line wants; None if all is well."""
    try:
        line.run(play)
    except Unmet as unmet:
        return unmet.found
    except TenureError as refusal:
        if not line.refused:
            return str(refusal)
        play.answer = str(refusal)
        return None
    except Forbidden as fault:
        return str(fault)
    return "it was not refused" if line.refused else None


def _closed(stage: Stage, keep: bool) -> str:
    """Why the stage could not be closed; "" if it was."""
    try:
        stage.close(keep=keep)
    except TenureError as fault:
        return str(fault)
    return ""
