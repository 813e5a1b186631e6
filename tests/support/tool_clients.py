"""Both clients, compiled and in Python, and a server with honest contexts behind a real socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import tenure.agent
from tenure.agent.host.toolfolder import make_tools_folder
from tenure.agent.toolserver import ToolServer
from tests.support.tool_world import Client, Contexts


def compiler() -> str | None:
    """The compiler of this machine, if one is there and works."""
    found = shutil.which(os.environ.get("CC") or "cc")
    if found is None or subprocess.run([found, "--version"], capture_output=True).returncode:
        return None
    return found


COMPILER = compiler()
KINDS = ["c", "python"] if COMPILER else ["python"]
SOURCE = Path(tenure.agent.__file__).parent.parent / "hooktool.c"


@pytest.fixture(scope="session")
def clients() -> Iterator[dict[str, Client]]:
    """Every kind of client; the C one from the source as it is now, not as it was installed."""
    with tempfile.TemporaryDirectory(prefix="tools") as temp:
        links, script, compiled = Path(temp, "c"), Path(temp, "python"), Path(temp, "client")
        make_tools_folder(script, client="python")
        found = {"python": Client("python", script)}
        if COMPILER:
            subprocess.run([COMPILER, "-O2", "-o", compiled, SOURCE], check=True)
            make_tools_folder(links, client="c", compiled=compiled)
            found["c"] = Client("c", links)
        yield found


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, clients: dict[str, Client]) -> Client:
    """Each kind of client in turn."""
    return clients[request.param]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="tools") as temp:
        yield Path(temp).resolve()


@pytest.fixture
def contexts() -> Contexts:
    """The live contexts; a test fills it."""
    return Contexts()


@pytest.fixture
async def server(folder: Path, contexts: Contexts) -> AsyncIterator[ToolServer]:
    """A server that listens, closed at the end."""
    server = ToolServer(folder / "socket", contexts)
    await server.start()
    yield server
    await server.close()
