"""How much later a hook's first instruction comes when Tenure starts it than a bare Popen's.

Run as `python bench/hooks.py`. Both start `date`, which prints the instant it runs at.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time

from tenure.agent.hooks.process import HookCommand, HookRunner
from tenure.agent.hooks.warden_client import Warden

ROUNDS = 200
ARGV = ("/bin/date", "+%s%N")
ENV = {"JUJU_CONTEXT_ID": "bench", "PATH": "/bin"}


class _LastLine:
    text = ""

    def log(self, level: str, message: str, source: str = "") -> None:
        self.text = message


def _bare() -> float:
    asked_at = time.time_ns()
    child = subprocess.Popen(ARGV, stdout=subprocess.PIPE, env=ENV)
    return (int(child.communicate()[0]) - asked_at) / 1e6


async def _ours(runner: HookRunner, log: _LastLine) -> tuple[float, float, float]:
    command = HookCommand(hook="bench", argv=ARGV, env=ENV, cwd="/", context_id="bench")
    asked_at = time.time_ns()
    hook = runner.start(command)
    returned_at = time.time_ns()
    await hook.wait()
    ended_at = time.time_ns()
    began_at = int(log.text)
    return tuple((at - asked_at) / 1e6 for at in (began_at, returned_at, ended_at))  # type: ignore[return-value]


async def _measure() -> dict[str, float]:
    warden, log = Warden(), _LastLine()
    warden.start()
    runner = HookRunner(warden, log)
    bare, ours = [], []
    for _ in range(ROUNDS):  # taking turns, so that both see the same neighbours
        bare.append(_bare())
        ours.append(await _ours(runner, log))
    await warden.close()
    began, returned, ended = (statistics.median(each) for each in zip(*ours, strict=True))
    return {
        "bare_first_instruction_ms": statistics.median(bare),
        "first_instruction_ms": began,
        "beyond_bare_ms": began - statistics.median(bare),
        "start_returns_ms": returned,
        "wait_returns_ms": ended,
    }


def measure() -> dict[str, float]:
    """Medians in milliseconds."""
    return asyncio.run(_measure())


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:28} {value:6.2f}")
