"""Find drills and run them: one after the other, or in several processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tenure.testing.drill.faults import LineFault
from tenure.testing.drill.parse import Drill, files_below, parse_file
from tenure.testing.drill.runner import Result, Task, run_task


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
