"""The agent's tool socket under garbage, floods and clients that misbehave (T2, T9).

Beside each of them a client that behaves asks `is-leader`; in the end nothing is left of anybody.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tenure.agent.tools import run_tool
from tenure.agent.tools.base import Context, ReadStdin
from tenure.agent.toolserver import MAX_CONNECTIONS, MAX_STDIN, RunTool, ToolServer
from tenure.wire.tools import MAX_REQUEST, Call, ToolReply
from tests.fuzz.others import held_below
from tests.support.tool_world import PATIENCE, BucketContext, frames, request, sized, talk, until

MIB = 1024 * 1024
OK = (b"X", b"\0")
TRUE = [(b"O", b"True\n"), OK]
GOOD = request("1", "/", "is-leader")
Frames = list[tuple[bytes, bytes]]


@asynccontextmanager
async def serving(
    folder: Path, context: Context, run: RunTool = run_tool, timeout: float = 10.0
) -> AsyncIterator[ToolServer]:
    """A server with one live context, `1`, that must have nobody left in the end."""
    server = ToolServer(
        folder / "t", lambda name: context if name == "1" else None, request_timeout=timeout,
        run=run,
    )  # fmt: skip
    await server.start()
    try:
        yield server
        await until(lambda: not server.connections and len(server.turns) == 0)
    finally:
        await server.close()


def error_of(received: Frames) -> str:
    """The one line that was said, without its ERROR."""
    (kind, line), end = received
    assert (kind, end) == (b"E", (b"X", b"\1")), received
    assert line.startswith(b"ERROR ") and line.endswith(b"\n") and line.count(b"\n") == 1
    return line.decode("utf-8", "surrogateescape")[6:-1]


class Pourer:
    """A plain client in a thread: it sends as long as the server takes it, and listens after that,
    as the hook tools' own clients do."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))

    async def pour(self, sent: bytes, times: int = 1) -> None:
        await asyncio.to_thread(self._pour, sent, times)

    def _pour(self, sent: bytes, times: int) -> None:
        with suppress(ConnectionError):
            for _ in range(times):
                self.socket.sendall(sent)

    async def hears(self, size: int) -> bytes:
        return await asyncio.to_thread(self.socket.recv, size)

    async def ends(self) -> Frames:
        """All that is said until the server closes."""
        return await asyncio.to_thread(self._ends)

    def _ends(self) -> Frames:
        received = b""
        with self.socket, suppress(ConnectionError):
            while part := self.socket.recv(65536):
                received += part
        return frames(received)

    def close(self) -> None:
        self.socket.close()


# --- garbage


def garbage() -> Iterator[bytes]:
    """Requests with bytes flipped, cut, doubled; lengths that lie; noise. The same on each run."""
    rng = random.Random(20)
    whole = request("1", "/charm", "leader-get", "--format", "json", "k")
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        yield bytes(broken)
        yield whole[: rng.randrange(len(whole))]
        yield b"\1" + sized(rng.randbytes(rng.randrange(60)))
        yield rng.randbytes(rng.randrange(1, 400))
    yield whole + whole
    yield b"\1\xff\xff\xff\xff" + b"x" * 100_000
    yield b"\1" + sized(sized(b"") * 10_000)
    yield b"\1" + sized(sized(b"1") + sized(b"/") + sized(b"\xff" * 1000) + sized(b"\0" * 1000))


async def test_garbage_gets_a_word_and_the_well_behaved_an_answer(folder: Path) -> None:
    """T2"""
    async with serving(folder, BucketContext()) as server:
        for sent in garbage():
            received = await talk(server.path, sent, half_close=True)
            assert received and received[-1][0] == b"X", sent
            if received[-1] != OK:
                assert received[-1][1] in (b"\1", b"\2")
                assert b"Traceback" not in received[0][1] and b"internal" not in received[0][1]
            assert await talk(server.path, GOOD) == TRUE


# --- slow


async def trickle(path: Path, sent: bytes, pause: float) -> Frames:
    """A byte at a time, until all is sent or the server has had enough."""
    loop = asyncio.get_running_loop()
    client = Pourer(path).socket
    client.setblocking(False)
    received = b""
    with client, suppress(ConnectionError):
        for at in range(len(sent)):
            with suppress(BrokenPipeError):
                client.send(sent[at : at + 1])
            with suppress(TimeoutError):
                received += await asyncio.wait_for(loop.sock_recv(client, 65536), pause)
                break
        while part := await asyncio.wait_for(loop.sock_recv(client, 65536), PATIENCE):
            received += part
    return frames(received)


async def test_a_client_that_sends_a_byte_at_a_time_is_served_within_its_time(folder: Path) -> None:
    """T2"""
    async with serving(folder, BucketContext()) as server:
        assert await trickle(server.path, GOOD, 0.001) == TRUE


async def test_a_client_that_is_slower_than_that_is_told_so_and_others_are_served(
    folder: Path,
) -> None:
    """T2"""
    async with serving(folder, BucketContext(), timeout=0.2) as server:
        slow = [
            asyncio.create_task(trickle(server.path, b"\1" + sized(b"x" * 5000), 0.005))
            for _ in range(50)
        ]
        await until(lambda: len(server.connections) == len(slow))
        began = time.monotonic()
        assert await talk(server.path, GOOD) == TRUE
        assert time.monotonic() - began < 2.0
        for received in await asyncio.gather(*slow):
            assert error_of(received) == "bad request: not complete after 0.2 s"


async def test_silent_clients_are_told_and_closed(folder: Path) -> None:
    """T2"""
    async with serving(folder, BucketContext(), timeout=0.1) as server:
        silent = [asyncio.create_task(talk(server.path, b"")) for _ in range(200)]
        await until(lambda: server.connections)
        assert await talk(server.path, GOOD) == TRUE
        for received in await asyncio.gather(*silent):
            assert error_of(received) == "bad request: not complete after 0.1 s"


# --- too much


async def test_a_thousand_requests_on_one_connection_are_one_error(folder: Path) -> None:
    """T2"""
    async with serving(folder, BucketContext()) as server:
        client = Pourer(server.path)
        await client.pour(GOOD * 100, 100)
        assert error_of(await client.ends()) == "bad request: more than one request"
        assert await talk(server.path, GOOD) == TRUE


async def test_what_is_too_large_is_refused_before_it_takes_memory(folder: Path) -> None:
    """T2"""
    async with serving(folder, BucketContext()) as server:
        for size in (MAX_REQUEST + 1, 2**32 - 1):
            sent = b"\1" + size.to_bytes(4, "big") + b"x" * MIB
            with held_below(3 * MIB + len(sent)):
                client = Pourer(server.path)
                await client.pour(sent, 32)
                assert "more than the limit of 8388608" in error_of(await client.ends())
            assert await talk(server.path, GOOD) == TRUE


async def greedy(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
    """A tool that reads all of its stdin, and then takes its time: until the client is gone."""
    if call.tool == "is-leader":
        return await run_tool(context, call, read_stdin)
    try:
        content = await read_stdin()
    except Exception as fault:
        return ToolReply(exit_code=1, stderr=f"ERROR {fault}\n".encode())
    if call.tool == "slow":
        await asyncio.get_running_loop().create_future()
    return ToolReply(stdout=b"%d\n" % len(content))


async def test_a_flood_of_stdin_is_refused_at_its_limit(folder: Path) -> None:
    """T2"""
    async with serving(folder, BucketContext(), run=greedy) as server:
        client = Pourer(server.path)
        await client.pour(request("1", "/", "whole"))
        assert await client.hears(5) == b"I\0\0\0\0"
        with held_below(MAX_STDIN * 3):
            await client.pour(sized(b"x" * MIB), 100)
        assert error_of(await client.ends()) == f"stdin is larger than {MAX_STDIN} bytes"
        assert await talk(server.path, GOOD) == TRUE


async def test_what_comes_after_the_end_of_stdin_takes_no_memory(folder: Path) -> None:
    """T2"""
    async with serving(folder, BucketContext(), run=greedy) as server:
        client = Pourer(server.path)
        await client.pour(request("1", "/", "slow"))
        assert await client.hears(5) == b"I\0\0\0\0"
        try:
            with held_below(16 * MIB):
                await client.pour(sized(b"x") + sized(b""))
                await client.pour(b"x" * MIB, 64)
        finally:
            client.close()


# --- who goes, and who never listens


async def test_clients_that_vanish_at_any_moment_leave_nothing(folder: Path) -> None:
    """T9"""
    context = BucketContext(bucket={"k": "v" * MIB})
    rng = random.Random(7)
    async with serving(folder, context) as server:
        sent = request("1", "/", "leader-get", "k")
        for _ in range(300):
            _, writer = await asyncio.open_unix_connection(server.path)
            writer.write(sent[: rng.randrange(len(sent) + 1)])
            if rng.random() < 0.5:
                await asyncio.sleep(0)
            writer.transport.abort()
        assert await talk(server.path, GOOD) == TRUE


async def test_a_client_that_never_reads_its_answer_is_given_up(folder: Path) -> None:
    """T2, T9: else so many of them as may connect would shut the door for the unit's own tools"""
    context = BucketContext(bucket={"k": "v" * (MIB - 1)})
    async with serving(folder, context, timeout=0.2) as server:
        deaf: list[Pourer] = []
        try:
            for _ in range(MAX_CONNECTIONS):
                deaf.append(Pourer(server.path))
                await deaf[-1].pour(request("1", "/", "leader-get", "k"))
            async with asyncio.timeout(5.0):
                while len(server.connections) > MAX_CONNECTIONS // 2:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            assert await talk(server.path, GOOD) == TRUE
        finally:
            for client in deaf:
                client.close()
