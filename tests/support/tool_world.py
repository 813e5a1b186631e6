"""What the tests of the tools share: an honest context, a client process, the protocol by hand."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tenure.agent.context.writing import Writer, writes
from tenure.agent.tools.base import (
    About,
    ApplicationStatus,
    BagRefused,
    Context,
    Network,
    NotFoundHere,
    ReadFailed,
    ReadStdin,
    RelationHere,
    Scalar,
    WorkloadStatus,
    WriteRefused,
)
from tenure.agent.toolserver import RunTool, ToolServer
from tenure.charms.reading import Tree
from tenure.leadership.claimant import LeadershipUnknown
from tenure.wire.messages import GoalUnit
from tenure.wire.tools import Call, ToolReply

PATIENCE = 30.0
"""Seconds after which a test gives up waiting for what must happen."""


@dataclass
class RecordedAction:
    """An action that remembers what was said of it."""

    name: str = "backup"
    params: dict[str, Tree] = field(default_factory=dict)
    results: dict[str, Tree] = field(default_factory=dict)
    failure: str | None = None
    told: list[str] = field(default_factory=list)

    def set(self, keys: tuple[str, ...], value: str) -> None:
        at: dict[str, Any] = self.results
        for key in keys[:-1]:
            if not isinstance(at.get(key), dict):
                at[key] = {}
            at = at[key]
        at[keys[-1]] = value

    def fail(self, message: str) -> None:
        self.failure = message

    def log(self, message: str) -> None:
        self.told.append(message)


LOOPBACK = Network(address="127.7.0.1", interface="lo", cidr="127.0.0.0/8")
PEERS = RelationHere(number=0, endpoint="peers", application="web", members=("web/1", "web/2"))


@dataclass
class BucketContext(Writer):
    """A hook context over dicts: it keeps what is written, and refuses what must be refused.

    A bag's key is its relation's number and its owner; who has none takes no part.
    """

    leader: bool = True
    bucket: dict[str, str] = field(default_factory=dict)
    unknown: str = ""
    unreadable: str = ""
    unit: str = "web/0"
    sure: list[bool] = field(default_factory=list)
    logged: list[tuple[str, str]] = field(default_factory=list)
    statuses: dict[bool, WorkloadStatus] = field(default_factory=dict)
    others: dict[str, WorkloadStatus] = field(default_factory=dict)
    model_uuid: str = "4a5bca6e-8f2c-4d0e-9d15-0c6d1a2b3c4d"
    about: About = field(default_factory=About)
    action: RecordedAction | None = None
    network: Network = LOOPBACK
    names: tuple[str, ...] = ("peers", "website")
    options: dict[str, Scalar | None] = field(default_factory=dict)
    peers: dict[int, RelationHere] = field(default_factory=lambda: {0: PEERS})
    bags: dict[tuple[int, str], dict[str, str]] = field(
        default_factory=lambda: {(0, owner): {} for owner in ("web", "web/0", *PEERS.members)}
    )
    ports: set[str] = field(default_factory=set)
    kept: dict[str, str] = field(default_factory=dict)
    version: str = ""
    goals: dict[str, GoalUnit] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)

    async def is_leader(self) -> bool:
        if self.unknown:
            raise LeadershipUnknown(self.unknown)
        return self.leader

    def still_sure(self) -> bool:
        return self.sure.pop(0) if self.sure else True

    async def settings(self) -> Mapping[str, str]:
        self._check_readable()
        return dict(self.bucket)

    @writes
    async def write_settings(self, changes: Mapping[str, str]) -> None:
        if not self.leader:
            raise WriteRefused("not the leader")
        _merge(self.bucket, changes)

    def log(self, level: str, message: str) -> None:
        self.logged.append((level, message))

    def status(self) -> WorkloadStatus:
        return self.statuses.get(False, WorkloadStatus())

    async def application_status(self) -> ApplicationStatus:
        self._check_readable()
        own = self.statuses.get(True, self.status())
        return ApplicationStatus(own, {**self.others, self.unit: self.status()})

    @writes
    async def set_status(self, status: WorkloadStatus, *, application: bool) -> None:
        if application and not self.leader:
            raise WriteRefused("this unit is not the leader")
        self.statuses[application] = status

    def endpoints(self) -> tuple[str, ...]:
        return self.names

    async def config(self) -> Mapping[str, Scalar | None]:
        self._check_readable()
        return dict(self.options)

    def relations(self) -> Mapping[int, RelationHere]:
        return self.peers

    async def bag(self, relation: int, owner: str) -> Mapping[str, str]:
        self._check_readable()
        if (relation, owner) not in self.bags:
            raise BagRefused("permission denied")
        return dict(self.bags[relation, owner])

    @writes
    async def write_bag(
        self, relation: int, changes: Mapping[str, str], *, application: bool
    ) -> None:
        if application and not self.leader:
            raise BagRefused("cannot write relation settings")
        owner = self.peers[relation].application if application else self.unit
        _merge(self.bags[relation, owner], changes)

    def opened_ports(self) -> tuple[str, ...]:
        return tuple(sorted(self.ports))

    def open_port(self, port: str) -> None:
        self.ports.add(port)

    def close_port(self, port: str) -> None:
        self.ports.discard(port)

    def charm_state(self) -> Mapping[str, str]:
        return dict(self.kept)

    def set_charm_state(self, changes: Mapping[str, str]) -> None:
        self.kept.update(changes)

    def delete_charm_state(self, key: str) -> None:
        self.kept.pop(key, None)

    def set_version(self, version: str) -> None:
        self.version = version

    async def goal(self) -> Mapping[str, GoalUnit]:
        self._check_readable()
        return dict(self.goals)

    async def resource(self, name: str) -> str:
        if name not in self.resources:
            raise NotFoundHere(f'resource "{name}" not found')
        return self.resources[name]

    def _check_readable(self) -> None:
        if self.unreadable:
            raise ReadFailed(self.unreadable)


def _merge(settings: dict[str, str], changes: Mapping[str, str]) -> None:
    for key, value in changes.items():
        settings.pop(key, None)
        if value:
            settings[key] = value


@dataclass(frozen=True)
class Ran:
    """How a client ended and what it printed."""

    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Client:
    """A kind of client: a folder of links named as the tools."""

    kind: str
    folder: Path

    def environ(self, context_id: str, address: Path | str) -> dict[str, str]:
        return {"JUJU_CONTEXT_ID": context_id, "JUJU_AGENT_SOCKET_ADDRESS": str(address)}

    async def run(
        self,
        tool: str,
        *args: str | bytes,
        environ: Mapping[str, str],
        stdin: bytes = b"",
        cwd: Path | None = None,
    ) -> Ran:
        """Run one call to its end; the process is gone afterwards, whatever happens."""
        process = await self.start(tool, *args, environ=environ, cwd=cwd)
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin), PATIENCE)
            assert process.returncode is not None
            return Ran(process.returncode, out, err)
        finally:
            await end(process)

    async def start(
        self,
        tool: str,
        *args: str | bytes,
        environ: Mapping[str, str],
        cwd: Path | None = None,
        stdout: int = asyncio.subprocess.PIPE,
    ) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            self.folder / tool,
            *args,
            env=dict(environ),
            cwd=cwd,
            stdin=asyncio.subprocess.PIPE,
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
        )


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill the process if it still runs, and wait for it."""
    if process.returncode is None:
        process.kill()
    await process.wait()


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until the condition holds; fails after `PATIENCE`."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


class Contexts(dict[str, Context]):
    """The live contexts of a server, by id; callable as the server wants it."""

    def __call__(self, context_id: str) -> Context | None:
        return self.get(context_id)


def sized(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text


def request(*texts: str, version: int = 1) -> bytes:
    """The bytes of a request, from its texts: context id, folder, tool, arguments."""
    return bytes([version]) + sized(b"".join(sized(os.fsencode(text)) for text in texts))


def frames(received: bytes) -> list[tuple[bytes, bytes]]:
    """The frames that were received, whole ones only."""
    found = []
    while len(received) >= 5:
        size = int.from_bytes(received[1:5], "big")
        assert len(received) >= 5 + size, "half a frame"
        found.append((received[:1], received[5 : 5 + size]))
        received = received[5 + size :]
    return found


async def talk(
    address: Path, sent: bytes, *, half_close: bool = False
) -> list[tuple[bytes, bytes]]:
    """Send raw bytes to a server, and read its frames to the end."""
    reader, writer = await asyncio.open_unix_connection(address)
    try:
        writer.write(sent)
        if half_close:
            writer.write_eof()
        return frames(await asyncio.wait_for(reader.read(), PATIENCE))
    finally:
        writer.close()


# --- a server, and a tool that waits

OK = [(b"X", b"\0")]


def error_frames(message: str) -> list[tuple[bytes, bytes]]:
    return [(b"E", f"ERROR {message}\n".encode()), (b"X", b"\1")]


@asynccontextmanager
async def serving(
    path: Path, contexts: Callable[[str], Context | None], run: RunTool, timeout: float = 10
) -> AsyncIterator[ToolServer]:
    server = ToolServer(path, contexts, request_timeout=timeout, run=run)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@dataclass
class Gate:
    """A tool that waits until the test opens the gate, and remembers who came and went."""

    began: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
        name = call.args[0]
        self.began.append(name)
        try:
            if name.startswith("write"):
                await context.write_settings({})
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        self.ended.append(name)
        return ToolReply()


def everyone(_id: str) -> Context:
    return BucketContext()


def nobody(_id: str) -> None:
    return None
