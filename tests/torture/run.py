"""One whole run: torture, then judgement. What is kept, and what is left behind: nothing else."""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenure.simulation.checkers import real_checkers
from tenure.simulation.facts import Fact
from tenure.simulation.judge import judge
from tests.torture.driver import Driver
from tests.torture.figures import Figures
from tests.torture.running import GUARANTEE, NotSo, Torn, folder_to_keep_if, tenure_in
from tests.torture.trace import Reader, read_traces
from tests.torture.watch import boottime

_ENDED = re.compile(r"\S+( of \S+)? ended \(exit status [1-9].*")


@dataclass
class Ended:
    """A run that is over: its figures, all that was seen, and the folder where it was."""

    folder: Path
    figures: Figures
    facts: list[Fact]


def torture(
    seed: int,
    kinds: Sequence[str],
    *,
    seconds: float,
    count: int = sys.maxsize,
    say: Callable[[str], None] = lambda line: None,
) -> Ended:
    """Torture a Tenure of its own with faults of these kinds, and judge what was seen."""
    figures = Figures(seed)
    with folder_to_keep_if(lambda: bool(figures.faults_found)) as folder:
        with tenure_in(folder) as tenure:
            driver = Driver(tenure, random.Random(seed), figures, kinds)
            try:
                driver.run(seconds, count, say)
            except NotSo as vain:
                figures.faults_found.append(f"G11 broken: {vain}")
            figures.ended_at = boottime()
        ended = Ended(folder, figures, _facts(tenure, driver, figures))
        figures.ended_by_itself = _ended_by_itself(folder)
        figures.faults_found += map(str, judge(ended.facts, real_checkers()))
        figures.faults_found += _tracebacks(folder)
        if figures.faults_found:
            figures.faults_found.append(f"the traces are kept in {folder}")
    return ended


def _facts(tenure: Torn, driver: Driver, figures: Figures) -> list[Fact]:
    reader = Reader(figures, tenure.watch.lives, tenure.hook_kills, GUARANTEE)
    return reader.facts(read_traces(tenure.trace), driver.at_end)


def _ended_by_itself(folder: Path) -> Counter[str]:
    """What `tenure up` said of processes that no signal ended."""
    lines = (folder / "up.txt").read_text("utf-8", "replace").splitlines()
    found = [_ENDED.search(line) for line in lines]
    return Counter(re.sub(r"/tmp/tt-\w+", "", each.group()) for each in found if each)


def _tracebacks(folder: Path) -> list[str]:
    """Whatever somebody did not foresee (no traceback may reach anybody)."""
    logs = [*folder.rglob("*.log"), *folder.rglob("log"), folder / "up.txt"]
    return [
        f"a traceback in {log}" for log in logs
        if log.is_file() and "Traceback" in log.read_text("utf-8", "replace")
    ]  # fmt: skip
