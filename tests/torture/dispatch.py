"""The charm: every hook of every unit, a program of its own that knows nothing of Tenure.

It is copied into a charm as `dispatch`, behind a line that starts it with `python -IS`, and finds
in `torture.json` beside it where to write its trace. Every process has a trace file of its own, and
writes whole lines to it, one write for each. All instants are CLOCK_BOOTTIME: one is read before a
call, one after it, so that whoever judges can take the one that accuses nobody wrongly.

| line | says |
|---|---|
| `began` | who and in which context, the whole environment, the parent's pid, the unit's instance |
| `call` | a tool is about to be called: its number in this process, and its arguments |
| `answer` | it returned: exit code (minus a signal's number), stdout, stderr |
| `child` | a helper in a session of its own was left behind, which goes on asking |
| `hangs` | from now on this hook does nothing, and does not end |
| `ended` | it ends, with this exit code |

What a hook does follows from its context id, so it cannot be known before and needs no seed. While
the file `calm` lies in the trace folder, hooks only ask and read, and end well.
"""

import json
import os
import signal
import sys
import time

HELPER_ASKS_FOR = 1.2
"""Seconds that a helper goes on after it was left behind."""

SHORTEST, LONGEST = 0.05, 1.0
"""Seconds that a hook takes; one in eight takes twice as long as the longest."""


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Dice:
    """Small random numbers out of a context id; `random` would take a third of the hook's start."""

    def __init__(self, text):
        self._at = int(text.rpartition("-")[2] or "0", 16) or 1

    def roll(self, sides):
        self._at = (self._at * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self._at >> 33) % sides

    def part(self):
        return self.roll(1000) / 1000


class Trace:
    """One process's trace, and its tool calls."""

    def __init__(self, folder, name):
        path = f"{folder}/{name}-{os.getpid()}-{time.time_ns():x}.jsonl"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._calls = 0

    def write(self, what, **facts):
        line = json.dumps({"what": what, "at": now(), **facts}) + "\n"
        os.write(self._file, line.encode())

    def call(self, *argv):
        """Call a tool; (exit code, stdout)."""
        self._calls += 1
        self.write("call", n=self._calls, argv=argv)
        code, out, err = run(argv)
        self.write("answer", n=self._calls, code=code, out=out, err=err)
        return code, out


def run(argv):
    """What a short-spoken program answers."""
    outs, errs = os.pipe(), os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, outs[1], 1), (os.POSIX_SPAWN_DUP2, errs[1], 2),
    ]  # fmt: skip
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    os.close(outs[1])
    os.close(errs[1])
    out, err = all_of(outs[0]), all_of(errs[0])
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out, err


def all_of(pipe):
    parts = []
    while part := os.read(pipe, 65536):
        parts.append(part)
    os.close(pipe)
    return b"".join(parts).decode("utf-8", "replace")


def read_text(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def leads(trace):
    return trace.call("is-leader")[1] == "True\n"


def read(trace):
    trace.call("leader-get", "--format", "json", "-")


def write(trace, dice):
    """Two keys, one value that no other call ever uses: a half of it would be seen."""
    pair = "abc"[dice.roll(3)]
    value = "" if dice.roll(12) == 0 else f"{os.getpid():x}.{time.time_ns():x}"
    trace.call("leader-set", f"left.{pair}={value}", f"right.{pair}={value}")


def ask_for(trace, dice, seconds, calm):
    """The hook's work: ask again and again, write when it leads, and sometimes when it does not."""
    until = now() + seconds
    while now() < until:
        if (leads(trace) or dice.roll(6) == 0) and not calm and dice.roll(3):
            write(trace, dice)
        if dice.roll(2):
            read(trace)
        time.sleep(0.01 + 0.05 * dice.part())


def leave_helper(trace, folder, dice):
    """A process in a session of its own that uses the context, while it is there and after."""
    trace.write("child")
    if os.fork():
        return
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    helper = Trace(folder, "helper")
    helper.write("began", helper=True, **who())
    until = now() + HELPER_ASKS_FOR
    while now() < until:
        leads(helper)
        write(helper, dice)
        time.sleep(0.05)
    os._exit(0)


def who():
    """Who this is. The unit's folder, where its instance lies, is the one above the charm's."""
    unit_folder = os.environ["JUJU_CHARM_DIR"].rpartition("/")[0]
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "instance": read_text(f"{unit_folder}/instance"),
        "env": dict(os.environ),
    }


def work(trace, folder, dice):
    """The exit code."""
    if os.access(f"{folder}/calm", os.F_OK):
        ask_for(trace, dice, SHORTEST, calm=True)
        return 0
    fate = dice.roll(100)
    long = 2 if dice.roll(8) == 0 else 1
    ask_for(trace, dice, long * (SHORTEST + (LONGEST - SHORTEST) * dice.part()), calm=False)
    if fate < 8:
        leave_helper(trace, folder, dice)
        ask_for_leadership(trace, dice)
    elif fate < 11:
        trace.write("hangs")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(300)
    return 3 if 11 <= fate < 15 else 0


def ask_for_leadership(trace, dice):
    """Beside a helper, whose calls take their turns with ours (T9): read no settings, since what
    was read before says nothing any more."""
    for _ in range(dice.roll(6)):
        leads(trace)


def main():
    folder = json.loads(read_text(os.environ["JUJU_CHARM_DIR"] + "/torture.json"))["trace"]
    trace = Trace(folder, os.environ["JUJU_UNIT_NAME"].replace("/", "-"))
    trace.write("began", helper=False, **who())
    code = work(trace, folder, Dice(os.environ["JUJU_CONTEXT_ID"]))
    trace.write("ended", code=code)
    return code


if __name__ == "__main__":
    sys.exit(main())
