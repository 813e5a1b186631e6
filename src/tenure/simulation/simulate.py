"""Live many worlds, and say what was found: `python -m tenure.simulation` and `make sim`.

Worlds are shared out over the processors; each is a number and nothing else. The last line printed
is the summary. A world that breaks a promise is lived again for its story, which is printed for the
first one found; the others are named with the command that tells theirs.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TextIO

from tenure.clock import SystemClock
from tenure.simulation.faults import FAULTS
from tenure.simulation.life import Life, Outcome
from tenure.simulation.world import World

REPLAY = "make sim SEED={seed}"
INTERRUPTED = 130


def live(seed: int, *, keep: bool = False) -> Outcome:
    """One world from its beginning to its end. `keep` keeps its story."""
    # because a collection in the middle costs a tenth of the time, and a world is small
    collects = gc.isenabled()
    gc.disable()
    try:
        return Life(World(seed, keep=keep), FAULTS).run()
    finally:
        if collects:
            gc.enable()
            gc.collect(0)  # because nothing else may allocate between two worlds


def main(argv: list[str] | None = None, out: TextIO = sys.stdout) -> int:
    """Exit code 0 if every promise was kept, 1 if not, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m tenure.simulation", description="simulated worlds, judged"
    )
    parser.add_argument("--seeds", type=_count, default=200, help="how many worlds (200)")
    parser.add_argument("--first", type=int, default=0, help="the first one's seed (0)")
    parser.add_argument("--seed", type=int, help="one world only, with its story")
    parser.add_argument("--jobs", type=_count, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args(argv)
    if options.seed is not None:
        return _tell(live(options.seed, keep=True), out)
    seeds = range(options.first, options.first + options.seeds)
    return _judge(seeds, options.jobs, out)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _tell(outcome: Outcome, out: TextIO) -> int:
    for line in outcome.story:
        print(line, file=out)
    for violation in outcome.violations:
        print(violation, file=out)
    return _sum_up([outcome], out, None)


def _judge(seeds: range, jobs: int, out: TextIO) -> int:
    began_at = _now()
    outcomes: list[Outcome] = []
    broken = 0
    interrupted = False
    try:
        with _progress(len(seeds), out) as advance:
            for outcome in lives(seeds, jobs):
                outcomes.append(outcome)
                advance()
                if outcome.violations:
                    _tell_broken(outcome, out, with_story=broken == 0)
                    broken += 1
    except KeyboardInterrupt:
        interrupted = True
    code = _sum_up(outcomes, out, _now() - began_at)
    return code or (INTERRUPTED if interrupted else 0)


def _tell_broken(outcome: Outcome, out: TextIO, *, with_story: bool) -> None:
    replay = REPLAY.format(seed=outcome.seed)
    print(f"world {outcome.seed} broke a promise: {replay}", file=out)
    for line in live(outcome.seed, keep=True).story if with_story else ():
        print(line, file=out)
    for violation in outcome.violations:
        print(f"  {violation}", file=out, flush=True)


def lives(seeds: Iterable[int], jobs: int) -> Iterator[Outcome]:
    """The outcomes of these worlds, as they come."""
    if jobs == 1:
        yield from map(live, seeds)
        return
    with multiprocessing.get_context("fork").Pool(jobs, _ignore_interrupts) as pool:
        yield from pool.imap_unordered(live, seeds, chunksize=4)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _sum_up(outcomes: list[Outcome], out: TextIO, took: float | None) -> int:
    found = Counter(v.checker for outcome in outcomes for v in outcome.violations)
    broken = sum(1 for outcome in outcomes if outcome.violations)
    hours = sum(outcome.virtual for outcome in outcomes) / 3600
    pace = f", {len(outcomes) / took:.1f} worlds/s" if took else ""
    names = "".join(f", {name} {count}" for name, count in sorted(found.items()))
    print(
        f"{len(outcomes)} worlds, {hours:.1f} simulated hours{pace}: "
        + (f"{broken} broke a promise{names}" if broken else "every promise was kept"),
        file=out,
    )
    return 1 if broken else 0


def _progress(total: int, out: TextIO) -> AbstractContextManager[Callable[[], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not out.isatty():
        return nullcontext(lambda: None)
    return _Bar(total)


class _Bar:
    """rich's progress bar, with worlds a second."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        self._total = total
        self._began_at = _now()
        self._done = 0
        self._progress = Progress(
            BarColumn(), MofNCompleteColumn(), "{task.fields[pace]}", TimeRemainingColumn()
        )

    def __enter__(self) -> Callable[[], None]:
        self._progress.start()
        self._task = self._progress.add_task("", total=self._total, pace="")
        return self._advance

    def _advance(self) -> None:
        self._done += 1
        pace = self._done / max(1e-9, _now() - self._began_at)
        self._progress.update(self._task, advance=1, pace=f"{pace:.1f} worlds/s")

    def __exit__(self, *exc: Any) -> None:
        self._progress.stop()


def _now() -> float:
    return SystemClock().now()  # for the summary only: no world reads it
