"""Both clients, as real processes: the same words, the same bytes, no surprise for a charm."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tenure.agent.tools.base import Context, ReadStdin
from tenure.agent.tools.flags import ToolFailed
from tenure.agent.toolserver import ToolServer
from tenure.wire.tools import Call, ToolReply, parse_request
from tests.support.tool_clients import client, clients, contexts, folder, server
from tests.support.tool_world import (
    BucketContext,
    Client,
    Contexts,
    Ran,
    end,
    request,
    sized,
    until,
)

__all__ = ["client", "clients", "contexts", "folder", "server"]

LOST = b"ERROR connection to the agent lost: the outcome is unknown\n"


def failed(message: str) -> Ran:
    return Ran(1, b"", f"ERROR {message}\n".encode())


async def test_outside_a_hook_the_context_id_is_missed_first(client: Client) -> None:
    """T8"""
    for environ in ({}, {"JUJU_CONTEXT_ID": "", "JUJU_AGENT_SOCKET_ADDRESS": "x"}):
        ran = await client.run("is-leader", "--nonsense", environ=environ)
        assert ran == failed("JUJU_CONTEXT_ID not set")


async def test_then_the_agents_address_is_missed(client: Client) -> None:
    """T8"""
    for environ in (
        {"JUJU_CONTEXT_ID": "1"},
        {"JUJU_CONTEXT_ID": "1", "JUJU_AGENT_SOCKET_ADDRESS": ""},
    ):
        ran = await client.run("is-leader", environ=environ)
        assert ran == failed("JUJU_AGENT_SOCKET_ADDRESS not set")


async def test_nobody_listening_names_the_path_and_the_cause(
    client: Client, server: ToolServer, folder: Path
) -> None:
    """T8"""
    (folder / "stale").symlink_to(server.path)
    gone, plain, long = folder / "gone", folder / "file", "/" + "x" * 200
    plain.touch()
    for path, cause in [
        (gone, "no such file or directory"),
        (plain, "connection refused"),
        (plain / "x", "not a directory"),
        (long, "file name too long"),
    ]:
        ran = await client.run("is-leader", environ=client.environ("1", path))
        assert ran == failed(f"dial unix {path}: connect: {cause}")


async def test_an_error_is_one_line_also_where_a_path_has_several(
    client: Client, server: ToolServer, contexts: Contexts, folder: Path
) -> None:
    """T2"""
    contexts["1"] = BucketContext()
    shown = f"{folder}/\\nERROR a\\n"
    ran = await client.run("is-leader", environ=client.environ("1", f"{folder}/\nERROR a\n"))
    assert ran == failed(f"dial unix {shown}: connect: no such file or directory")
    args = ("-o", f"{folder}/\nERROR a\n/x")
    ran = await client.run("is-leader", *args, environ=client.environ("1", server.path))
    assert ran == failed(f"open {shown}/x: no such file or directory")


async def test_a_context_that_is_over_is_named(client: Client, server: ToolServer) -> None:
    """T8"""
    ran = await client.run("is-leader", environ=client.environ('w/0-"x"', server.path))
    assert ran == failed('bad request: wrong context ID; got "w/0-\\"x\\""')


@pytest.mark.parametrize("answer", [b"", b"O\0\0", b"O\0\0\0\5ab", b"?\0\0\0\0", b"X\0\0\0\0"])
async def test_an_agent_that_dies_in_mid_call_leaves_the_outcome_unknown(
    client: Client, folder: Path, answer: bytes
) -> None:
    """T8, G7"""

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(5)
        await reader.readexactly(int.from_bytes(head[1:], "big"))
        writer.write(answer)
        writer.close()

    async with await asyncio.start_unix_server(die, folder / "socket"):
        ran = await client.run("is-leader", environ=client.environ("1", folder / "socket"))
        assert ran == Ran(1, b"", LOST)


async def test_an_agent_that_dies_before_the_request_did_nothing(
    client: Client, folder: Path
) -> None:
    """T8, G7"""

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_unix_server(die, folder / "socket"):
        big = ["x" * 100_000] * 10
        ran = await client.run("is-leader", *big, environ=client.environ("1", folder / "socket"))
        assert ran == failed("connection to the agent lost before the request was sent")


async def test_arguments_and_folder_reach_the_agent_as_they_are(
    client: Client, folder: Path
) -> None:
    """T1, T9"""
    calls: list[Call] = []

    async def remember(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
        calls.append(call)
        return ToolReply(exit_code=7, stdout=b"out", stderr=b"err")

    server = ToolServer(folder / "socket", Contexts({"1": BucketContext()}), run=remember)
    await server.start()
    try:
        args = ["", "a b\n", "é😀", b"\xff\xc3", "--", "-"]
        environ = client.environ("1", server.path)
        ran = await client.run("leader-set", *args, environ=environ, cwd=folder)
    finally:
        await server.close()
    assert ran == Ran(7, b"out", b"err")
    sent = ("", "a b\n", "é😀", "\udcff\udcc3", "--", "-")
    assert calls == [Call(context_id="1", tool="leader-set", args=sent, cwd=str(folder))]


async def test_a_folder_that_is_gone_stops_nobody(
    client: Client, server: ToolServer, contexts: Contexts, folder: Path
) -> None:
    """T1"""
    contexts["1"] = BucketContext()
    environ = {**os.environ, **client.environ("1", server.path)}
    command = f'mkdir gone && cd gone && rmdir ../gone && exec "{client.folder}/is-leader"'
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", command, env=environ, cwd=folder, stdout=subprocess.PIPE
    )
    try:
        assert (await process.communicate())[0] == b"True\n"
    finally:
        await end(process)


async def test_an_output_file_is_written_in_the_callers_folder(
    client: Client, server: ToolServer, contexts: Contexts, folder: Path
) -> None:
    """T7"""
    contexts["1"] = BucketContext(bucket={"k": "value"})
    environ = client.environ("1", server.path)
    (folder / "out").write_text("something longer than that")
    ran = await client.run("leader-get", "-o", "out", "k", environ=environ, cwd=folder)
    assert ran == Ran(0, b"", b"")
    assert (folder / "out").read_text() == "value\n"
    ran = await client.run("leader-get", "-o", "new", "none", environ=environ, cwd=folder)
    assert ran == Ran(0, b"", b"")
    assert (folder / "new").read_bytes() == b""
    assert (folder / "new").stat().st_mode & 0o111 == 0


async def test_an_output_file_that_cannot_be_written_is_named(
    client: Client, server: ToolServer, contexts: Contexts, folder: Path
) -> None:
    """T7"""
    contexts["1"] = BucketContext()
    environ = client.environ("1", server.path)
    for path, message in [
        ("none/x", f"open {folder}/none/x: no such file or directory"),
        (str(folder), f"open {folder}: is a directory"),
        ("/dev/full", "write /dev/full: no space left on device"),
    ]:
        ran = await client.run("is-leader", "-o", path, environ=environ, cwd=folder)
        assert ran == failed(message)


async def test_large_values_and_large_outputs_pass_whole(
    client: Client, server: ToolServer, contexts: Contexts
) -> None:
    """B6, T4"""
    context = contexts["1"] = BucketContext()
    environ = client.environ("1", server.path)
    pairs = [f"key{number}={'é x' * 25_000}" for number in range(10)]
    assert await client.run("leader-set", *pairs, environ=environ) == Ran(0, b"", b"")
    assert sum(map(len, context.bucket.values())) == 750_000
    for fmt in ("yaml", "json"):
        ran = await client.run("leader-get", "--format", fmt, environ=environ)
        assert (ran.exit_code, ran.stderr) == (0, b"")
        assert len(ran.stdout) > 1_000_000


async def test_a_closed_pipe_does_not_lose_the_exit_code(
    client: Client, server: ToolServer, contexts: Contexts
) -> None:
    """T2"""
    contexts["1"] = BucketContext(bucket={"k": "x" * 500_000})
    environ = client.environ("1", server.path)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = await client.start("leader-get", environ=environ, stdout=writing)
    finally:
        os.close(writing)
    try:
        _, stderr = await process.communicate()
        assert (process.returncode, stderr) == (0, b"")
    finally:
        await end(process)


async def test_closed_streams_do_not_get_in_the_way(
    client: Client, server: ToolServer, contexts: Contexts
) -> None:
    """T2"""
    contexts["1"] = BucketContext()
    environ = {**os.environ, **client.environ("1", server.path)}
    for closed, left in [
        ("<&- >&- 2>&-", b""),
        ("<&-", b"True\n"),
        (">&-", b""),
        ("2>&-", b"True\n"),
    ]:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", f'"{client.folder}/is-leader" {closed}; echo $?',
            env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            assert await process.communicate() == (left + b"0\n", b""), closed
        finally:
            await end(process)


async def test_a_stdout_that_does_not_block_gets_everything(
    client: Client, server: ToolServer, contexts: Contexts
) -> None:
    """T2"""
    contexts["1"] = BucketContext(bucket={"k": "x" * 500_000})
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        process = await client.start(
            "leader-get", "k", environ=client.environ("1", server.path), stdout=writing
        )
    finally:
        os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            assert len(await asyncio.to_thread(pipe.read)) == 500_001
        assert await process.wait() == 0
    finally:
        await end(process)


async def echo(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
    """A tool that prints its stdin if it is told to."""
    return ToolReply(stdout=await read_stdin() if call.args else b"not asked")


async def test_stdin_is_sent_when_asked_for_and_only_then(client: Client, folder: Path) -> None:
    """T1"""
    server = ToolServer(folder / "socket", Contexts({"1": BucketContext()}), run=echo)
    await server.start()
    environ = client.environ("1", server.path)
    sent = bytes(range(256)) * 4000
    try:
        assert (await client.run("is-leader", "x", environ=environ, stdin=sent)).stdout == sent
        assert (await client.run("is-leader", "x", environ=environ)).stdout == b""
        process = await client.start("is-leader", environ=environ)
        try:
            # because stdin stays open here, a client that read it would wait for ever
            assert process.stdout is not None
            assert await asyncio.wait_for(process.stdout.read(), 30) == b"not asked"
            assert await process.wait() == 0
        finally:
            await end(process)
    finally:
        await server.close()


async def test_too_much_stdin_is_refused(client: Client, folder: Path) -> None:
    """T2"""

    async def read(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
        try:
            return ToolReply(stdout=await read_stdin())
        except Exception as fault:
            return ToolReply(exit_code=1, stderr=f"ERROR {fault}\n".encode())

    server = ToolServer(folder / "socket", Contexts({"1": BucketContext()}), run=read)
    await server.start()
    environ = client.environ("1", server.path)
    try:
        ran = await client.run("is-leader", environ=environ, stdin=b"x" * 9_000_000)
    finally:
        await server.close()
    assert ran == failed("stdin is larger than 8388608 bytes")


async def read_file(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
    """A tool that prints a file of the caller's, or the fault that the agent has with it."""
    try:
        return ToolReply(stdout=await read_stdin(call.args[0]))
    except ToolFailed as fault:
        return ToolReply(exit_code=1, stderr=f"ERROR {fault}\n".encode())


@pytest.fixture
async def reading(folder: Path) -> AsyncIterator[ToolServer]:
    server = ToolServer(folder / "socket", Contexts({"1": BucketContext()}), run=read_file)
    await server.start()
    yield server
    await server.close()


async def test_a_file_is_read_by_the_client_with_its_own_eyes(
    client: Client, reading: ToolServer, folder: Path
) -> None:
    """T7: a pipe that only the caller has is a file as well"""
    content = bytes(range(256)) * 4000
    (folder / "file").write_bytes(content)
    (folder / "empty").touch()
    environ = client.environ("1", reading.path)
    assert await client.run("is-leader", str(folder / "file"), environ=environ) == Ran(
        0, content, b""
    )
    assert await client.run("is-leader", str(folder / "empty"), environ=environ) == Ran(0, b"", b"")
    ran = await client.run("is-leader", "/dev/stdin", environ=environ, stdin=content)
    assert ran == Ran(0, content, b"")


async def test_a_file_that_cannot_be_read_is_the_clients_error(
    client: Client, reading: ToolServer, folder: Path
) -> None:
    """T2, T7"""
    environ = client.environ("1", reading.path)
    for path, message in [
        (f"{folder}/none", f"open {folder}/none: no such file or directory"),
        (f"{folder}/a\nb", f"open {folder}/a\\nb: no such file or directory"),
        (f"{folder}", f"read {folder}: is a directory"),
        (f"{folder}/{'x' * 300}", f"open {folder}/{'x' * 300}: file name too long"),
    ]:
        assert await client.run("is-leader", path, environ=environ) == failed(message)
    await until(lambda: not reading.connections)


async def test_a_file_that_is_too_large_is_refused(
    client: Client, reading: ToolServer, folder: Path
) -> None:
    """T2"""
    (folder / "large").write_bytes(b"x" * 9_000_000)
    path = str(folder / "large")
    ran = await client.run("is-leader", path, environ=client.environ("1", reading.path))
    assert ran == failed(f"{path} is larger than 8388608 bytes")


async def test_a_call_is_one_process_of_one_thread(client: Client, folder: Path) -> None:
    """T9"""
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def wait(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
        waiting.set()
        await go_on.wait()
        return ToolReply()

    server = ToolServer(folder / "socket", Contexts({"1": BucketContext()}), run=wait)
    await server.start()
    process = await client.start("is-leader", environ=client.environ("1", server.path))
    try:
        await asyncio.wait_for(waiting.wait(), 30)
        tasks = list(Path(f"/proc/{process.pid}/task").iterdir())
        assert [task.name for task in tasks] == [str(process.pid)]
        assert (tasks[0] / "children").read_text() == ""
        go_on.set()
        assert await process.wait() == 0
    finally:
        await end(process)
        await server.close()


async def test_both_clients_send_the_same_bytes(clients: dict[str, Client], folder: Path) -> None:
    """T1"""
    received: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(5)
        received.append(head + await reader.readexactly(int.from_bytes(head[1:], "big")))
        writer.write(b"X" + sized(b"\0"))
        writer.close()

    async with await asyncio.start_unix_server(take, folder / "socket"):
        for client in clients.values():
            environ = client.environ("1", folder / "socket")
            await client.run("leader-get", "--", "é", environ=environ, cwd=folder)
    await until(lambda: len(received) == len(clients))
    expected = request("1", str(folder), "leader-get", "--", "é")
    assert received == [expected] * len(clients)
    assert parse_request(received[0]) is not None
