"""The warden: a tiny process that outlives a killed agent just long enough to end its hooks (H8).

The agent holds the only write end of the pipe that is the warden's standard input, and tells it
before and after each hook. However the agent ends, the kernel closes that pipe; the warden then
kills every process group it was told of, and ends.

| line | meaning |
|---|---|
| `+CTX` | a hook with this context id is about to be started |
| `=CTX PID START` | it has this pid (also its group's and its session's) and this start time |
| `-CTX` | its group is gone |

A group is recognised by number only as long as the number is surely the hook's: a process that has
the leader's pid but another start time means that the pid was used again. A hook killed between
`+` and `=` is found by the context id in its environment; it is milliseconds old, and may not have
become the hook's program yet at the first look, so there are several.

What moved into a session of its own is the charm's and is left alone.

This file runs by path under `python -IS`: it imports nothing of Tenure, and little else. The agent
imports its functions for the same questions about processes.
"""

from __future__ import annotations

import os
import signal
import sys
import time

LOOKS = (0.0, 0.02, 0.05, 0.13, 0.25)
"""Seconds to wait before each look for what is left; together less than 0.5 s."""


class Stat:
    """What the kernel says of one process, as far as it matters here."""

    __slots__ = ("group", "parent", "pid", "session", "start", "state")

    def __init__(self, pid: int, fields: list[bytes]) -> None:
        self.pid = pid
        self.state = fields[0]
        self.parent = int(fields[1])
        self.group = int(fields[2])
        self.session = int(fields[3])
        self.start = int(fields[19])
        """Clock ticks since boot; with the pid it names a process for ever."""

    def alive(self) -> bool:
        """Whether it can still run: a zombie only waits for its parent to look."""
        return self.state not in (b"Z", b"X", b"x")

    def of_group(self, leader: int) -> bool:
        """Whether it belongs to the group of the hook whose pid is, or was, `leader`."""
        return self.group == leader and self.session == leader


def read_stat(pid: int) -> Stat | None:
    """The facts of a process, or None if there is none with that pid."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            content = file.read()
    except OSError:
        return None
    # because the program's name, in parentheses, may itself hold spaces and parentheses
    fields = content[content.rfind(b")") + 2 :].split()
    return Stat(pid, fields) if len(fields) > 19 else None


def living() -> list[Stat]:
    """Every process but this one that can still run."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208
    stats = (read_stat(pid) for pid in pids if pid != os.getpid())
    return [stat for stat in stats if stat is not None and stat.alive()]


def carries(pid: int, context_id: str) -> bool:
    """Whether the process was started with this JUJU_CONTEXT_ID, as far as we may look."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:
        return False
    return f"JUJU_CONTEXT_ID={context_id}".encode() in variables


def kill(pid: int) -> None:
    """SIGKILL, if it is still there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return


def kill_group(leader: int) -> None:
    """SIGKILL to every member at once: no member can slip away by forking meanwhile."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except OSError:
        return


def end_hook(context_id: str, leader: int, start: int, processes: list[Stat]) -> bool:
    """Kill what `processes` show of one hook; True if another look is due.

    `leader` 0 means that its pid is not known.
    """
    if not leader:
        for process in processes:
            if carries(process.pid, context_id):
                kill(process.pid)
        return True
    first = read_stat(leader)
    if first is not None and start and first.start != start:
        return False
    left = any(process.of_group(leader) for process in processes)
    if left:
        kill_group(leader)
    return left


def end_hooks(hooks: dict[str, tuple[int, int]]) -> None:
    """Kill every hook that is left; look again for those that were still becoming themselves."""
    for pause in LOOKS:
        time.sleep(pause)
        processes = living()
        again = [end_hook(name, *hook, processes) for name, hook in hooks.items()]
        if not any(again):
            return


def note(hooks: dict[str, tuple[int, int]], line: str) -> None:
    """Take in one line of the agent's; what is no such line is passed over."""
    words = line[1:].split()
    if line[:1] == "+" and len(words) == 1:
        hooks[words[0]] = (0, 0)
    elif line[:1] == "=" and len(words) == 3 and words[1].isdigit() and words[2].isdigit():
        hooks[words[0]] = (int(words[1]), int(words[2]))
    elif line[:1] == "-" and len(words) == 1:
        hooks.pop(words[0], None)


def main() -> None:
    """Listen until the agent is gone, then end its hooks."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    hooks: dict[str, tuple[int, int]] = {}
    for line in sys.stdin.buffer:
        note(hooks, line.decode("utf-8", "replace"))
    if hooks:
        end_hooks(hooks)


if __name__ == "__main__":
    main()
