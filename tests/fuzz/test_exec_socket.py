"""The agent's exec socket under garbage and floods: hooks and tools go on (H6, T8)."""

from __future__ import annotations

import asyncio
import gc
import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tenure.agent.execserver import MAX_CONNECTIONS
from tenure.wire.exec import OpenContext, Refusal, decode_answer, encode_answer, encode_ask
from tests.agent.test_execserver import Served, exec_served
from tests.support.patience import HANG

PATIENCE = HANG
ASK = encode_ask(OpenContext())


@pytest.fixture
async def execs(tmp_path: Path) -> AsyncIterator[Served]:
    """A unit that leads, idle, with its exec socket."""
    async with exec_served(tmp_path) as served:
        yield served


async def works(execs: Served) -> None:
    """Somebody who behaves gets a context, in which the unit still leads."""
    answer, _, writer = await execs.ask()
    reply = await execs.machine.tool("is-leader", context=answer["context"])
    assert reply.stdout == b"True\n"
    writer.close()
    await execs.until(lambda: execs.machine.unit.contexts._live is None)


def garbage() -> list[bytes]:
    """Lines that are no request, and halves of one. The same on each run."""
    rng = random.Random(3)
    found = [b"", b"\n", b"{}\n", ASK[:-1], b'{"version":1e999}\n', b'{"version":"2"}\n',
             b'{"version":%s}\n' % (b"9" * 3000), b"[" * 4000 + b"\n", b"x" * 5000,
             b"\xff" * 4000 + b"\n", ASK[:-2] + b"," * 60_000]  # fmt: skip
    for _ in range(40):
        broken = bytearray(ASK)
        broken[rng.randrange(len(ASK))] = rng.randrange(256)
        found.append(bytes(broken))
        found.append(rng.randbytes(rng.randrange(300)) + b"\n")
    return found


async def test_garbage_is_answered_in_one_line_and_others_get_their_contexts(
    execs: Served,
) -> None:
    """H6, T8"""
    for sent in garbage():
        reader, writer = await execs.dial()
        writer.write(sent)
        writer.write_eof()
        try:
            said = await asyncio.wait_for(reader.read(), PATIENCE)
        except ConnectionError:
            said = encode_answer(Refusal(error="reset"))
        if b"ContextOpened" not in said:
            assert isinstance(decode_answer(said), Refusal) and said.count(b"\n") == 1, sent
        writer.close()
    await works(execs)


async def test_who_asks_and_goes_without_reading_leaves_no_trace(execs: Served) -> None:
    """H6, T8"""
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(execs.path))
            client.send(ASK)
            await answered(client)
        await execs.until(lambda: execs.machine.unit.contexts._live is None)
    await works(execs)
    gc.collect()  # because asyncio tells of an exception that nobody wanted when it is collected


async def answered(client: socket.socket) -> None:
    """Wait until something can be read, and read nothing."""
    loop, there = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(client, there.set)
    await asyncio.wait_for(there.wait(), PATIENCE)
    loop.remove_reader(client)


async def test_all_who_wait_for_a_context_and_vanish_are_forgotten(execs: Served) -> None:
    """H6"""
    _, _, first = await execs.ask()
    writers = []
    for _ in range(MAX_CONNECTIONS - 1):
        _, writer = await execs.dial()
        writer.write(ASK)
        writers.append(writer)
    await execs.until(lambda: len(execs.machine.unit.contexts._waiting) == len(writers))
    for writer in writers:
        writer.transport.abort()
    await execs.until(
        lambda: all(waiter.done() for waiter, _ in execs.machine.unit.contexts._waiting)
    )
    first.close()
    await works(execs)
    assert not execs.machine.unit.contexts._waiting


async def test_silent_connections_harm_nobody(execs: Served) -> None:
    """H6"""
    silent = [await execs.dial() for _ in range(300)]
    await works(execs)
    for _, writer in silent:
        writer.close()
