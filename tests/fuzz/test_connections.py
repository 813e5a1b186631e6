"""Ten thousand connections, and no file descriptor left: with real processes (F, G11, L1)."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress

from tenure.statefolder import StateFolder
from tests.fuzz.junk import bad_frames, requests
from tests.fuzz.others import UPGRADE
from tests.fuzz.processes import MIB, Watched, busy, connected, everything, many_files_allowed
from tests.whole.conftest import Place, wait_for

NOTHING = b'[{"type":"Hello","version":1,"units":[]}]'
HELLO_FOR_NOTHING = UPGRADE + b"\x81" + bytes([0x80 | len(NOTHING)]) + b"\0\0\0\0" + NOTHING


class Watch:
    """A leader and a minion, and what must not change while others misbehave."""

    def __init__(self, place: Place, lease: str = "5s") -> None:
        place.up("--units", "2", "--lease", lease)
        place.settles(["web/0", "web/1"])
        self.place = place
        self.folder = StateFolder(place.state)
        status = place.status()
        self.controller = Watched(status.controller.pid)
        self.leader = status.applications["web"].leader or ""
        self.agent = Watched(status.applications["web"].units[self.leader].pid or 0)
        self.term = status.applications["web"].term

    def answers(self) -> bool:
        """`status` does, and the same unit leads under the same term."""
        status = self.place.try_status()
        if status is None:
            return False
        web = status.applications["web"]
        assert (web.leader, web.term) == (self.leader, self.term)
        return True

    def no_traceback(self) -> None:
        """In nobody's log."""
        for log in (self.folder.controller_log, self.folder.agent_log(self.leader)):
            said = log.read_text() if log.exists() else ""
            assert "Traceback" not in said and "rror:" not in said, said[:2000]
            assert len(said) < 20_000


def test_ten_thousand_connections_are_held_and_forgotten_and_tenure_goes_on(
    place: Place,
) -> None:
    """L1, O3"""
    with many_files_allowed() as number:
        used = f"with {number} connections"
        watch = Watch(place, lease="30s")
        files, memory = watch.controller.files, watch.controller.memory
        after = []
        for _ in range(4):
            with connected(watch.folder.controller_socket, number, HELLO_FOR_NOTHING):
                began = time.monotonic()
                wait_for(watch.answers, f"an answer {used}")
                assert time.monotonic() - began < 8.0, used
                assert watch.controller.memory - memory < number * 40_000 + 20 * MIB, used
            wait_for(lambda: watch.controller.files <= files + 2, f"the rest to be closed {used}")
            after.append(watch.controller.memory)
        assert watch.answers()
        # because the first wave pays for what is kept and used again
        assert after[-1] - after[0] < 120 * MIB, f"{used}: {[size // MIB for size in after]} MiB"
        watch.no_traceback()


def test_garbage_on_the_sockets_of_a_running_tenure_is_nobodys_business(place: Place) -> None:
    """O6, L9, T2"""
    watch = Watch(place)
    broken = [*requests(), *(UPGRADE + frame for frame in bad_frames())]
    for path in (watch.folder.controller_socket, watch.folder.tool_socket(watch.leader)):
        with connected(path, len(broken[:200])) as clients:
            for client, sent in zip(clients, broken[-200:], strict=True):
                give(client, sent)
            assert watch.answers()
    for sent in (b"\0" * 5000, b'{"version":', b"[" * 4000 + b"\n", b"\xff\n"):
        with connected(watch.folder.exec_socket(watch.leader), 1) as clients:
            give(clients[0], sent)
            said = json.loads(everything(clients[0]))
            assert said["type"] == "Refusal" and "not a request" in said["error"]
    assert place.text("exec", watch.leader, "--", "is-leader") == "True\n"
    assert watch.answers()
    watch.no_traceback()
    assert watch.folder.controller_log.read_text() == ""


def give(client: socket.socket, sent: bytes) -> None:
    """Send it, as far as it is taken, and no more."""
    with suppress(OSError):
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)


def test_a_controller_without_file_descriptors_waits_calmly_and_recovers(place: Place) -> None:
    """L1, O3: it neither dies, nor spins, nor fills the disk with what it has to say about it"""
    watch = Watch(place)
    watch.controller.limit_files(watch.controller.files + 20)
    with connected(watch.folder.controller_socket, 200):
        share = busy(watch.controller, 3.0)
        log = watch.folder.controller_log
        assert log.stat().st_size < 20_000, f"{log.stat().st_size} bytes of log in 3 s"
        assert share < 0.5, f"{share:.0%} of a processor for waiting"
    wait_for(watch.answers, "it to recover")
    watch.no_traceback()


def test_an_agent_without_file_descriptors_waits_calmly_and_keeps_its_lease(place: Place) -> None:
    """L1, U2"""
    watch = Watch(place)
    watch.agent.limit_files(watch.agent.files + 20)
    with connected(watch.folder.exec_socket(watch.leader), 90):
        share = busy(watch.agent, 3.0)
        log = watch.folder.agent_log(watch.leader)
        assert log.stat().st_size < 20_000, f"{log.stat().st_size} bytes of log in 3 s"
        assert share < 0.5, f"{share:.0%} of a processor for waiting"
        assert watch.answers()
    assert place.text("exec", watch.leader, "--", "is-leader") == "True\n"
    assert watch.answers()
    watch.no_traceback()


def test_thousands_of_clients_of_the_tool_socket_are_each_told(place: Place) -> None:
    """T2, T9"""
    with many_files_allowed() as number:
        watch = Watch(place)
        files, memory = watch.agent.files, watch.agent.memory
        tool = watch.folder.tool_socket(watch.leader)
        with connected(tool, number) as clients:
            # because who is silent for longest makes room: whoever asks is never shut out
            told = [told_of(everything(client)) for client in clients[:-256]]
            assert told == [True] * (number - 256), f"{told.count(True)} of {number - 256} told"
            assert watch.agent.files < files + 300
            assert watch.agent.memory - memory < 40 * MIB
            assert watch.answers()
        wait_for(lambda: watch.agent.files <= files + 2, "the rest to be closed")
        assert place.text("exec", watch.leader, "--", "is-leader") == "True\n"
        watch.no_traceback()


def told_of(received: bytes) -> bool:
    """Whether it is the one line that says that there are too many."""
    line = b"ERROR too many hook tools at once (at most 256); try again\n"
    return received == b"E" + len(line).to_bytes(4, "big") + line + b"X\0\0\0\1\1"
