"""Stories of the examples, lived again and again: each life must be told in the same lines.

python -m tests.testing.kit.repeat --runs 200 [--busy 2] [NAME...]
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tenure.testing import Stage

EXAMPLES = Path(__file__).parents[3] / "examples"

_OWN = re.compile(r"[0-9a-f]{8,}…?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|/tmp/\S+|pid \d+")
"""What differs in each life: random values, the real date, paths, pids."""


def shared_secret(stage: Stage) -> None:
    """The leader is cut off until its lease runs out, comes back, and another is elected."""
    web = stage.deploy(EXAMPLES / "shared-secret", "web", units=3)
    web[0].cut_off()
    stage.pass_time("61s")
    web[0].reconnect()
    web.elect(web[2])


def once_a_minute(stage: Stage) -> None:
    """Three units for a quarter of an hour, in which leaders are frozen, killed and elected."""
    web = stage.deploy(EXAMPLES / "once-a-minute", "web", units=3)
    stage.pass_time("5m")
    web[0].freeze("90s")
    stage.pass_time("5m")
    web.elect(web[2])
    web[2].kill()
    stage.pass_time("5m")
    web[2].start()


def lost_between(stage: Stage) -> None:
    """A hook is held while its unit's lease runs out, and another's while it is killed."""
    web = stage.deploy(EXAMPLES / "shared-secret", "web", units=3)
    halt = web[1].halt("leader-elected", "leader-get")
    web.elect(web[1], wait=False)
    halt.reached()
    web[1].cut_off()
    stage.pass_time("61s")
    halt.go_on()
    web[1].reconnect()
    held = web[2].halt("leader-elected", "juju-log", when="after")
    web.elect(web[2], wait=False)
    held.reached()
    web[2].kill()
    stage.controller.kill()
    stage.pass_time("5s")
    stage.controller.start()
    web[2].start()


def all_at_once(stage: Stage) -> None:
    """Nobody reaches the controller, so that several hooks wait for it at one instant."""
    web = stage.deploy(EXAMPLES / "shared-secret", "web", units=4)
    for unit in web:
        unit.cut_off()
    stage.pass_time("2m")
    for unit in web:
        unit.update_status()
    stage.pass_time("1m")
    for unit in web:
        unit.reconnect()
    web.remove()


STORIES = {
    story.__name__: story for story in (shared_secret, once_a_minute, lost_between, all_at_once)
}


def lines_of(story: Callable[[Stage], None], order: int = 0) -> list[str]:
    """What was told in one life, and what is in the units' logs."""
    with Stage(order=order) as stage:
        story(stage)
        logs = [unit.log for app in stage.apps.values() for unit in app]
        lines = _OWN.sub("*", "\n".join([*stage.story.lines, *logs])).splitlines()
    if story is once_a_minute:  # because who writes the same date again changes nothing
        said_of_it = (": settings (term", "leader-settings-changed skipped")
        lines = [line for line in lines if not any(each in line for each in said_of_it)]
    return lines


def first_difference(one: list[str], other: list[str]) -> str:
    """In words; "" if there is none."""
    for number, (here, there) in enumerate(zip(one, other, strict=False)):
        if here != there:
            return f"line {number}: {here!r} and {there!r}"
    return "" if len(one) == len(other) else f"{len(one)} lines and {len(other)}"


def differences(story: Callable[[Stage], None], runs: int, order: int = 0) -> list[str]:
    """How lives differ from the first, each in one text."""
    first = lines_of(story, order)
    found = (first_difference(first, lines_of(story, order)) for _ in range(runs - 1))
    return [each for each in found if each]


@contextlib.contextmanager
def _neighbours(count: int) -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in busy:
            each.kill()
            each.wait()


def main() -> int:
    """1 if two lives differ."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(STORIES))
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--order", type=int, default=0)
    parser.add_argument("--busy", type=int, default=0, help="processes beside that only compute")
    wanted = parser.parse_args()
    differ = 0
    with _neighbours(wanted.busy):
        for name in wanted.names:
            found = differences(STORIES[name], wanted.runs, wanted.order)
            differ += len(found)
            print(f"{name}: {len(found)} of {wanted.runs} lives differ from the first", flush=True)
            for each in dict.fromkeys(found):
                print(f"  {each}", flush=True)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
