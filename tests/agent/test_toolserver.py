"""The agent's side of the socket: order, ends, and what is no request."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tenure.agent.context.writing import writes
from tenure.agent.tools import run_tool
from tenure.agent.tools.base import Context, ReadStdin, WorkloadStatus
from tenure.agent.toolserver import ToolServer
from tenure.errors import TenureError
from tenure.wire.tools import MAX_REQUEST, Call, ToolReply
from tests.support.tool_world import (
    OK,
    PATIENCE,
    BucketContext,
    Contexts,
    Gate,
    error_frames,
    everyone,
    frames,
    nobody,
    request,
    serving,
    sized,
    talk,
    until,
)


async def test_tools_of_one_context_run_one_at_a_time_in_order_of_arrival(folder: Path) -> None:
    """T9"""
    order: list[str] = []
    running = 0

    async def run(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
        nonlocal running
        running += 1
        assert running == 1
        order.append(call.args[0])
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        return ToolReply()

    async with serving(folder / "s", everyone, run) as server:
        names = [str(number) for number in range(20)]
        talks = []
        for name in names:
            talks.append(asyncio.create_task(talk(server.path, request("1", "/", "t", name))))
            await until(lambda: len(server.connections) + len(order) >= len(talks))
        assert await asyncio.gather(*talks) == [OK] * 20
        assert sorted(order) == sorted(names)
        await until(lambda: len(server.turns) == 0)


async def test_a_later_call_of_a_context_waits_for_the_earlier(folder: Path) -> None:
    """T9"""
    gate = Gate()
    async with serving(folder / "s", everyone, gate.run) as server:
        first = asyncio.create_task(talk(server.path, request("1", "/", "t", "a")))
        await until(lambda: gate.began)
        second = asyncio.create_task(talk(server.path, request("1", "/", "t", "b")))
        other = asyncio.create_task(talk(server.path, request("2", "/", "t", "c")))
        await until(lambda: len(gate.began) == 2)
        assert gate.began == ["a", "c"]
        gate.opened.set()
        assert await asyncio.gather(first, second, other) == [OK] * 3
        assert gate.ended == ["a", "c", "b"] or gate.ended == ["a", "b", "c"]


async def test_a_context_that_ended_while_a_call_waited_is_over(folder: Path) -> None:
    """T8, T9"""
    gate, contexts = Gate(), Contexts({"1": BucketContext()})
    async with serving(folder / "s", contexts, gate.run) as server:
        first = asyncio.create_task(talk(server.path, request("1", "/", "t", "a")))
        await until(lambda: gate.began)
        second = asyncio.create_task(talk(server.path, request("1", "/", "t", "b")))
        await until(lambda: len(server.connections) == 2)
        contexts.clear()
        gate.opened.set()
        assert await first == OK
        assert await second == error_frames('bad request: wrong context ID; got "1"')


async def vanish(path: Path, name: str, came: Callable[[], object]) -> None:
    """Send a call, and go as soon as it has come."""
    _, writer = await asyncio.open_unix_connection(path)
    writer.write(request("1", "/", "t", name))
    await until(came)
    writer.close()


async def test_a_call_whose_client_is_gone_is_cancelled(folder: Path) -> None:
    """T9"""
    gate = Gate()
    async with serving(folder / "s", everyone, gate.run) as server:
        await vanish(server.path, "a", lambda: gate.began)
        await until(lambda: gate.cancelled == ["a"])
        await until(lambda: len(server.turns) == 0)


async def test_a_call_that_waits_for_its_turn_gives_it_up_with_its_client(folder: Path) -> None:
    """T9"""
    gate = Gate()
    async with serving(folder / "s", everyone, gate.run) as server:
        first = asyncio.create_task(talk(server.path, request("1", "/", "t", "a")))
        await until(lambda: gate.began)
        await vanish(server.path, "b", lambda: len(server.connections) == 2)
        await until(lambda: len(server.connections) == 1)
        gate.opened.set()
        assert await first == OK
        await until(lambda: len(server.turns) == 0)
        assert gate.began == ["a"]


@dataclass
class SlowContext(BucketContext):
    """A context whose write takes until the test lets it end."""

    under_way: asyncio.Event = field(default_factory=asyncio.Event)
    written: asyncio.Event = field(default_factory=asyncio.Event)

    @writes
    async def write_settings(self, changes: Mapping[str, str]) -> None:
        await self._wait()
        await super().write_settings(changes)

    @writes
    async def set_status(self, status: WorkloadStatus, *, application: bool) -> None:
        await self._wait()
        await super().set_status(status, application=application)

    @writes
    async def write_bag(
        self, relation: int, changes: Mapping[str, str], *, application: bool
    ) -> None:
        await self._wait()
        await super().write_bag(relation, changes, application=application)

    async def _wait(self) -> None:
        self.under_way.set()
        await self.written.wait()


@pytest.mark.parametrize(
    ("write", "read", "before", "after"),
    [
        (["leader-set", "a=b"], ["leader-get", "a"], b"", b"b\n"),
        (["relation-set", "-r", "0", "a=b"], ["relation-get", "-r0", "a", "web/0"], b"", b"b\n"),
        (["status-set", "active"], ["status-get"], b"unknown\n", b"active\n"),
    ],
    ids=["leader-set", "relation-set", "status-set"],
)
async def test_a_write_under_way_ends_also_without_its_client(
    folder: Path, write: list[str], read: list[str], before: bytes, after: bytes
) -> None:
    """T9, G7"""
    context = SlowContext()
    async with serving(folder / "s", lambda _id: context, run_tool) as server:
        _, writer = await asyncio.open_unix_connection(server.path)
        writer.write(request("1", "/", *write))
        await asyncio.wait_for(context.under_way.wait(), PATIENCE)
        writer.close()
        await until(lambda: not server.connections)
        following = asyncio.create_task(talk(server.path, request("1", "/", *read)))
        await until(lambda: len(server.connections) == 1)
        call = Call(context_id="1", tool=read[0], args=tuple(read[1:]), cwd="/")
        assert (await run_tool(context, call, no_input)).stdout == before
        context.written.set()
        assert await following == [(b"O", after), *OK]


async def no_input(path: str = "") -> bytes:
    return b""


async def test_the_reply_leaves_in_the_step_in_which_it_was_decided(folder: Path) -> None:
    """G3"""
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    received: list[bytes] = []

    def look() -> None:
        with suppress(BlockingIOError):
            received.append(client.recv(100))

    class Deciding(BucketContext):
        def still_sure(self) -> bool:
            asyncio.get_running_loop().call_soon(look)
            return True

    async with serving(folder / "s", lambda _id: Deciding(), run_tool) as server:
        with client:
            client.connect(str(server.path))
            client.send(request("1", "/", "is-leader"))
            await until(lambda: received)
    # because the very next step of the loop after deciding has already found it
    assert [frames(part) for part in received] == [[(b"O", b"True\n"), *OK]]


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"GET / HTTP/1.1\r\n\r\n",
         "bad request: protocol 71, this agent speaks 1; "
         "run the hook again with the tools of this agent"),
        (b"\1" + (MAX_REQUEST + 1).to_bytes(4, "big"),
         f"bad request: {MAX_REQUEST + 1} bytes are more than the limit of {MAX_REQUEST}"),
        (b"\1\0\0\0\2ab", "bad request: a text is longer than the request"),
        (b"\1" + sized(sized(b"1") + b"\0\0\0\x09x"),
         "bad request: a text is longer than the request"),
        (b"\1" + sized(sized(b"1") + sized(b"/")),
         "bad request: it names no context, folder and tool"),
        (request("1", "/", "t") + b"x", "bad request: more than one request"),
    ],
)  # fmt: skip
async def test_garbage_gets_one_error_line_and_nobody_else_notices(
    folder: Path, sent: bytes, message: str
) -> None:
    """T2"""
    gate = Gate()
    async with serving(folder / "s", everyone, gate.run) as server:
        good = asyncio.create_task(talk(server.path, request("1", "/", "t", "a")))
        await until(lambda: gate.began)
        assert await talk(server.path, sent) == error_frames(message)
        gate.opened.set()
        assert await good == OK


async def test_half_a_request_gets_one_error_line(server: ToolServer) -> None:
    """T2"""
    for sent in (b"", b"\1", request("1", "/", "is-leader")[:-1]):
        received = await talk(server.path, sent, half_close=True)
        assert received == error_frames("bad request: it ends in the middle")


async def test_a_second_request_on_a_connection_ends_it(folder: Path) -> None:
    """T2"""
    gate = Gate()
    async with serving(folder / "s", everyone, gate.run) as server:
        reader, writer = await asyncio.open_unix_connection(server.path)
        writer.write(request("1", "/", "t", "a"))
        await until(lambda: gate.began)
        writer.write(request("1", "/", "t", "b"))
        received = frames(await asyncio.wait_for(reader.read(), PATIENCE))
        assert received == error_frames("bad request: more than one request")
        await until(lambda: gate.cancelled == ["a"])
        writer.close()


async def test_a_request_may_come_in_pieces(server: ToolServer, contexts: Contexts) -> None:
    """T2"""
    contexts["1"] = BucketContext()
    reader, writer = await asyncio.open_unix_connection(server.path)
    for byte in request("1", "/", "is-leader"):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    assert frames(await asyncio.wait_for(reader.read(), PATIENCE)) == [(b"O", b"True\n"), *OK]
    writer.close()


async def test_the_socket_is_its_owners_alone_and_gone_in_the_end(folder: Path) -> None:
    """T9"""
    mask = os.umask(0)
    try:
        async with serving(folder / "s", nobody, run_tool) as server:
            assert server.path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(mask)
    assert list(folder.iterdir()) == []


async def test_a_socket_left_by_a_killed_agent_is_replaced(folder: Path) -> None:
    """T8"""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "s"))
    async with serving(folder / "s", nobody, run_tool) as server:
        assert await talk(server.path, request("1", "/", "t")) == error_frames(
            'bad request: wrong context ID; got "1"'
        )


async def test_what_is_no_socket_is_not_replaced(folder: Path) -> None:
    """T8"""
    (folder / "s").write_text("kept")
    for path in (folder / "s", folder / "none" / "s", folder / ("x" * 200)):
        with pytest.raises(TenureError, match=f"cannot listen for hook tools on {path}: "):
            await ToolServer(path, nobody).start()
    assert (folder / "s").read_text() == "kept"


async def test_each_call_that_is_refused_is_told_of_once_it_is_answered(folder: Path) -> None:
    """T2"""
    told: list[tuple[str, int]] = []

    async def run(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
        return ToolReply(exit_code=int(call.args[0]), stderr=b"ERROR no\n")

    server = ToolServer(
        folder / "s", Contexts({"1": BucketContext()}), run=run,
        on_refused=lambda call, reply: told.append((call.tool, reply.exit_code)),
    )  # fmt: skip
    await server.start()
    for context, tool, code in (("1", "a", "0"), ("1", "b", "1"), ("1", "c", "2"), ("2", "d", "1")):
        await talk(server.path, request(context, "/", tool, code))
    await until(lambda: told == [("b", 1), ("c", 2)])
    await server.close()


async def test_closing_ends_every_call(folder: Path) -> None:
    """T9"""
    gate = Gate()
    server = ToolServer(folder / "s", everyone, run=gate.run)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(server.path)
    writer.write(request("1", "/", "t", "a"))
    await until(lambda: gate.began)
    await server.close()
    assert gate.cancelled == ["a"]
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()
    await server.close()
