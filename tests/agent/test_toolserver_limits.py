"""What the tool socket does not take: too many, too much, too slow."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

from tenure.agent.tools import run_tool
from tenure.agent.tools.base import Context, ReadStdin
from tenure.agent.toolserver import MAX_CONNECTIONS, MAX_KEPT, SMALL
from tenure.wire.tools import MAX_REQUEST, Call, ToolReply
from tests.support.tool_world import (
    OK,
    PATIENCE,
    Client,
    Gate,
    Ran,
    error_frames,
    everyone,
    frames,
    nobody,
    request,
    serving,
    talk,
    until,
)

FULL = f"hook tools have too much under way (at most {MAX_KEPT} bytes at once); try again"


async def test_a_silent_client_is_told_and_closed(folder: Path) -> None:
    """T2"""
    async with serving(folder / "s", nobody, run_tool, timeout=0.01) as server:
        received = await talk(server.path, b"\1\0")
        assert received == error_frames("bad request: not complete after 0.01 s")


async def test_beyond_the_limit_the_silent_make_room_and_whoever_asks_is_served(
    client: Client, folder: Path
) -> None:
    """T2, T9"""
    gate = Gate()
    gate.opened.set()
    async with serving(folder / "s", everyone, gate.run) as server:
        waiting = [await asyncio.open_unix_connection(server.path) for _ in range(MAX_CONNECTIONS)]
        await until(lambda: len(server.connections) == MAX_CONNECTIONS)
        late = await client.run("is-leader", "late", environ=client.environ("1", server.path))
        assert late.exit_code == 0
        reader, _ = waiting[0]
        assert frames(await asyncio.wait_for(reader.read(), PATIENCE)) == error_frames(TOO_MANY)
        reader, writer = waiting[1]
        writer.write(request("1", "/", "t", "early"))
        assert frames(await asyncio.wait_for(reader.read(), PATIENCE)) == OK
        for _, writer in waiting:
            writer.close()
        await until(lambda: not server.connections)
    assert gate.began == ["late", "early"]


async def test_when_all_have_asked_the_newcomer_is_told_that_there_are_too_many(
    client: Client, folder: Path
) -> None:
    """T2"""
    gate = Gate()
    async with serving(folder / "s", everyone, gate.run) as server:
        waiting = [await asyncio.open_unix_connection(server.path) for _ in range(MAX_CONNECTIONS)]
        for _, writer in waiting:
            writer.write(request("1", "/", "t", "early"))
        await until(lambda: server.longest_silent() is None and len(server.connections) > 255)
        late = await client.run("is-leader", environ=client.environ("1", server.path))
        assert late == Ran(1, b"", f"ERROR {TOO_MANY}\n".encode())
        gate.opened.set()
        for _, writer in waiting:
            writer.close()
        await until(lambda: not server.connections)


TOO_MANY = f"too many hook tools at once (at most {MAX_CONNECTIONS}); try again"


async def pour(path: Path, sent: bytes) -> list[tuple[bytes, bytes]]:
    """As `talk`, but what is said is read also where not all was taken, as the clients do."""
    loop, received = asyncio.get_running_loop(), b""
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        client.connect(str(path))
        with suppress(ConnectionError):
            await asyncio.wait_for(loop.sock_sendall(client, sent), PATIENCE)
        with suppress(ConnectionError):
            while part := await asyncio.wait_for(loop.sock_recv(client, 65536), PATIENCE):
                received += part
    return frames(received)


async def test_clients_who_send_too_much_in_all_are_told_and_small_calls_go_on(
    folder: Path,
) -> None:
    """T2, T9"""
    gate = Gate()
    async with serving(folder / "s", everyone, gate.run) as server:
        large = request("1", "/", "t", "a", "x" * (MAX_REQUEST - 100))
        fit = MAX_KEPT // (len(large) - SMALL)
        pours = [asyncio.create_task(pour(server.path, large)) for _ in range(fit + 2)]
        await until(lambda: sum(each.done() for each in pours) == 2)
        small = asyncio.create_task(talk(server.path, request("2", "/", "t", "small")))
        await until(lambda: "small" in gate.began)
        gate.opened.set()
        assert await small == OK
        said = await asyncio.gather(*pours)
        assert (said.count(error_frames(FULL)), said.count(OK)) == (2, fit)
        # because all would be refused by now if nothing were given back
        assert [await pour(server.path, large) for _ in range(fit + 2)] == [OK] * (fit + 2)


async def test_replies_that_nobody_reads_count_until_their_clients_are_gone(folder: Path) -> None:
    """T2, G7: what was done is said in any case"""
    ran: list[str] = []

    async def reply(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
        ran.append(call.args[0])
        return ToolReply(stdout=b"x" * (MAX_KEPT // 2) if call.args[0] == "large" else b"")

    large = request("1", "/", "t", "large")
    async with serving(folder / "s", everyone, reply) as server:
        deaf = [await asyncio.open_unix_connection(server.path, limit=1) for _ in range(2)]
        for _, writer in deaf:
            writer.write(large)
        await until(lambda: len(ran) == 2)
        assert await talk(server.path, large) == error_frames(FULL)
        assert await talk(server.path, request("1", "/", "t", "x" * 2 * SMALL)) == OK
        for _, writer in deaf:
            writer.transport.abort()
        await until(lambda: not server.connections)
        content, end = await talk(server.path, large)
        assert (len(content[1]), [end]) == (MAX_KEPT // 2, OK)
