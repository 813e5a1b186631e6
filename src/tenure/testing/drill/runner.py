"""Run drills, each on a stage of its own: one after the other, or in several processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tenure.clock import SystemClock
from tenure.errors import TenureError
from tenure.testing.drill.faults import LineFault, Unmet
from tenure.testing.drill.parse import Drill, Line, files_below, parse_file
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


def find(paths: Sequence[str]) -> tuple[list[Drill], list[LineFault]]:
    """All drills that are named, each once, and all that is wrong with them."""
    drills: list[Drill] = []
    faults: list[LineFault] = []
    files: dict[str, None] = {}
    for path in paths:
        found = files_below(path)
        if not found:
            faults.append(LineFault(path, 0, "no file below it is named like NAME.drill"))
        files |= dict.fromkeys(found)
    for file in files:
        drill, wrong = parse_file(file)
        faults += wrong
        drills += [] if drill is None else [drill]
    return drills, faults


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
    if (held := play.held()) is not None:
        line = next(each for each in drill.lines if each.number == held.line)
        return Failure(line.number, line.said, STILL_HELD, stage.story.last())
    return None


STILL_HELD = "the drill has ended, and this halt still holds its hook: let it go-on, or fail"


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


def run_all(
    drills: Sequence[Drill], *, orders: int = 1, jobs: int = 1, keep: bool = False
) -> Iterator[Result]:
    """How each goes, in order. With `orders` each is run so often: as hooks fall due, and then in
    orders that are drawn from 1, 2, ... Stages of `jobs` processes run side by side."""
    tasks = [
        Task(each, order, each.path if orders == 1 else f"{each.path} [order-{order}]", keep)
        for each in drills
        for order in range(orders)
    ]
    if min(jobs, len(tasks)) < 2:
        return map(run_task, tasks)
    from tenure.testing.drill.side_by_side import run_tasks  # because few ask for it

    return run_tasks(tasks, min(jobs, len(tasks)))
