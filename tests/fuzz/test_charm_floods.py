"""A charm that floods its agent: the other units go on, the lease is renewed, logs stay bounded.

Real processes, real hooks. What is called thousands of times is called by one process that speaks
the tool socket's protocol itself: starting so many processes would measure the machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from tenure.agent.hooks.log import MAX_SIZE, UnitLog
from tenure.clock import SystemClock
from tenure.core.bucket import MAX_BUCKET
from tenure.statefolder import StateFolder
from tests.fuzz.processes import MIB, Watched
from tests.whole.conftest import Place, wait_for

LEASE = "10s"
SETS = 1500
LINES = 10_000
PAUSE = 0.2
"""Seconds between what others ask: each time is a process, and many would be another flood."""

CALLER = """
import os, socket, sys, time

def sized(text):
    return len(text).to_bytes(4, "big") + text

def call(*texts):
    texts = (os.environb[b"JUJU_CONTEXT_ID"], b"/", *texts)
    with socket.socket(socket.AF_UNIX) as agent:
        agent.connect(os.environ["JUJU_AGENT_SOCKET_ADDRESS"])
        agent.sendall(b"\\1" + sized(b"".join(map(sized, texts))))
        received = b""
        while part := agent.recv(65536):
            received += part
    return received

times, tool, arg = sys.argv[1:]
slowest, began = 0.0, time.monotonic()
for number in range(int(times)):
    asked = time.monotonic()
    assert call(tool.encode(), arg.replace("#", str(number)).encode()) == b"X\\0\\0\\0\\1\\0"
    slowest = max(slowest, time.monotonic() - asked)
print(int(times) / (time.monotonic() - began), slowest)
"""


class Flooded:
    """A leader and a minion, and what is asked of it during a flood."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.folder = StateFolder(place.state)
        status = place.status().applications["web"]
        self.leader = status.leader or ""
        self.minion = next(unit for unit in status.units if unit != self.leader)
        self.term = status.term
        self.agent = Watched(status.units[self.leader].pid or 0)

    @classmethod
    def settled(cls, place: Place) -> Flooded:
        place.up("--units", "2", "--lease", LEASE)
        place.settles(["web/0", "web/1"])
        return cls(place)

    def goes_on(self) -> None:
        """The same unit leads under the same term, and its agent is connected."""
        web = self.place.status().applications["web"]
        assert (web.leader, web.term) == (self.leader, self.term)
        assert all(unit.agent == "connected" for unit in web.units.values())

    def charm_of(self, unit: str) -> Path:
        return self.folder.unit_folder(unit) / "charm"

    def calls(self, times: int, tool: str, arg: str) -> tuple[float, float]:
        """Calls a second, and the seconds that the slowest took, from within one context."""
        caller = self.place.folder / "caller.py"
        caller.write_text(CALLER)
        argv = (sys.executable, str(caller), str(times), tool, arg)
        rate, slowest = self.place.text("exec", self.leader, "--", *argv).split()
        return float(rate), float(slowest)

    def logs(self) -> int:
        """Bytes of all logs of the leader."""
        folder = self.folder.unit_folder(self.leader)
        return sum(path.stat().st_size for path in folder.glob("*log*"))


@contextmanager
def asked_meanwhile(flooded: Flooded) -> Iterator[list[float]]:
    """Tools of the other unit are called all the while; how much longer each took than ten times
    what one took before, in seconds: a busy machine is slow without a flood."""
    took: list[float] = []
    over = Event()

    def asked() -> float:
        began = time.monotonic()
        said = flooded.place.call("exec", flooded.minion, "--", "is-leader").stdout
        return time.monotonic() - began if said == b"False\n" else float("inf")

    before = asked()

    def ask() -> None:
        is_over = False
        while not is_over:
            took.append(max(0.0, asked() - 10 * before))
            is_over = over.wait(PAUSE)

    asking = Thread(target=ask)
    asking.start()
    try:
        yield took
    finally:
        over.set()
        asking.join()


# --- tools


def test_thousands_of_writes_in_a_row_are_all_kept_and_others_go_on(place: Place) -> None:
    """B4, B5, T9, H3"""
    place.write_hook("leader-settings-changed", "leader-get n > seen.new; mv seen.new seen")
    flooded = Flooded.settled(place)
    with asked_meanwhile(flooded) as took:
        rate, slowest = flooded.calls(SETS, "leader-set", "n=#")
    figures = f"{rate:.0f} writes/s, slowest {slowest:.3f} s; others {max(took):.2f} s longer"
    assert max(took) < 5.0 and slowest < 5.0, figures
    flooded.goes_on()
    assert place.status().applications["web"].revision == SETS
    seen = flooded.charm_of(flooded.minion) / "seen"
    wait_for(lambda: seen.read_text() == f"{SETS - 1}\n", "the last revision to be seen")
    assert flooded.agent.memory < 120 * MIB


def test_ten_thousand_lines_of_a_log_hold_up_nobody(place: Place) -> None:
    """H11, T9"""
    flooded = Flooded.settled(place)
    with asked_meanwhile(flooded) as took:
        rate, slowest = flooded.calls(LINES, "juju-log", "line #")
    figures = f"{rate:.0f} lines/s, slowest {slowest:.3f} s; others {max(took):.2f} s longer"
    assert max(took) < 5.0 and slowest < 5.0, figures
    flooded.goes_on()
    log = (flooded.folder.unit_log(flooded.leader)).read_text()
    assert all(f": line {number}\n" in log for number in (0, LINES // 2, LINES - 1))
    assert log.count(": line ") == LINES


def test_a_bucket_takes_its_limit_and_not_a_byte_more(place: Place) -> None:
    """B6, G7: through the real client, in arguments that a process can have"""
    flooded = Flooded.settled(place)
    keys = "abcdefghijklmnop"
    exact = {key: "x" * (MAX_BUCKET // len(keys) - 1) for key in keys}
    words = " would take 1048577 bytes, more than the limit of 1048576"
    assert write(flooded, exact) == ""
    assert words in write(flooded, {"a": exact["a"] + "x"})
    assert words in write(flooded, {"q": ""} | {"a": exact["a"] + "x"})
    assert write(flooded, {"a": exact["a"][:-1]}) == ""
    assert place.status().applications["web"].settings_bytes == MAX_BUCKET - 1
    assert write(flooded, dict.fromkeys(keys, "")) == ""
    flooded.goes_on()


def test_a_write_far_beyond_the_limit_is_refused_in_the_same_words(place: Place) -> None:
    """B6, G7: also one too large for a frame, which must not cost the agent its connection"""
    flooded = Flooded.settled(place)
    far = {f"k{number}": "\x01" * 110_000 for number in range(16)}
    said = write(flooded, far)
    assert "1048576" in said and "would take" in said, said
    assert place.status().applications["web"].revision == 0
    assert "lost" not in flooded.folder.unit_log(flooded.leader).read_text()
    flooded.goes_on()


def write(flooded: Flooded, settings: dict[str, str]) -> str:
    """One leader-set by the bundled client; what it said on stderr."""
    script = flooded.place.folder / "write.py"
    args = [f"{key}={value}" for key, value in settings.items()]
    script.write_text(f"import os\nos.execvp('leader-set', ['leader-set', *{args!r}])\n")
    done = flooded.place.call("exec", flooded.leader, "--", sys.executable, str(script))
    assert (done.returncode == 0) == (done.stderr == b"")
    assert done.stderr.count(b"\n") <= 1
    return done.stderr.decode()


# --- output


def test_fifty_megabytes_of_output_of_a_leaders_hook_hold_up_nobody(place: Place) -> None:
    """H11, U2: True is still said within it, the lease is renewed, and the logs are turned over"""
    place.write_hook(
        "start",
        '[ "$(is-leader)" = True ] || exit 0\n'
        "head -c 25000000 /dev/zero | tr '\\0' x\n"
        "yes 'a line of a charm' | head -c 25000000 >&2\n"
        "is-leader > said",
    )
    flooded = Flooded.settled(place)
    assert (flooded.charm_of(flooded.leader) / "said").read_text() == "True\n"
    assert flooded.term == 1
    assert flooded.logs() < 2 * MAX_SIZE + MIB
    assert flooded.agent.memory < 120 * MIB
    flooded.goes_on()


def test_empty_lines_by_the_million_do_not_make_a_log_many_times_its_size(folder: Path) -> None:
    """H11: each line of a message gets a headline of its own"""
    log = UnitLog(folder / "log", "web/0", SystemClock())
    for _ in range(3):
        log.log("INFO", "\n" * 2_000_000)
    log.close()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2 * MAX_SIZE + MIB


# --- hooks that never end


def test_a_hook_that_never_ends_says_so_and_keeps_its_lease_while_others_run(
    place: Place,
) -> None:
    """H6, O3, L1, H3"""
    enough = place.folder / "enough"
    place.write_hook(
        "start",
        '[ "$(is-leader)" = True ] || exit 0\n'
        f"leader-set n=1; until [ -e {enough} ]; do sleep 0.1; done",
    )
    place.write_hook("leader-settings-changed", "leader-get n > seen.new; mv seen.new seen")
    place.up("--units", "2", "--lease", LEASE)
    try:
        check_beside_a_hanging_hook(place)
    finally:
        enough.touch()


def check_beside_a_hanging_hook(place: Place) -> None:
    wait_for(lambda: hanging(place), "the leader's hook to hang")
    flooded = Flooded(place)
    seen = flooded.charm_of(flooded.minion) / "seen"
    wait_for(lambda: seen.exists() and seen.read_text() == "1\n", "the other unit's hook")
    left = place.status().applications["web"].lease.left or 0.0
    wait_for(lambda: renewed(place, left), "a renewal")
    assert place.text("exec", flooded.minion, "--", "is-leader") == "False\n"
    assert hook_of(place, flooded.leader) == "start"
    assert "start" in place.text("status")
    flooded.goes_on()


def hanging(place: Place) -> bool:
    status = place.try_status()
    web = status.applications.get("web") if status else None
    return web is not None and web.leader is not None and hook_of(place, web.leader) == "start"


def hook_of(place: Place, unit: str) -> str | None:
    return place.status().applications["web"].units[unit].hook.running


def renewed(place: Place, before: float) -> bool:
    left = place.status().applications["web"].lease.left
    return left is not None and left > before
