"""Where `tenure exec` asks for a context, and `tenure run` for an action. No hook is told of it.

What is said is in wire/exec.py. The connection stays open for as long as the context lives: the
operator's command has ended when it closes, and the context is over when the agent closes it.
Before it closes, the command may say how it ended: if it ended well, what it left pending is kept,
and a line says whether that went well. If it closes without a word, `tenure exec` was killed: what
is left of its command in that session is ended before another context opens.

An action is answered with a line for each thing that it logs, and one that says how it ended. Who
hangs up does not hear of it; the action goes on, and the unit's log has both.

Garbage and silence get one line that says so, and are closed. There are `MAX_CONNECTIONS` at most:
beyond them a newcomer takes the place of who has been silent for longest, and is refused if all the
others have asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tenure.agent.actions import copied_again
from tenure.agent.context.action import ActionRefused, ActionRun, told
from tenure.agent.context.hook import HookContext
from tenure.agent.hooks.leftovers import LeftoverStuck, end_command
from tenure.agent.hooks.process import HookResult
from tenure.agent.hooks.warden import read_stat
from tenure.agent.unit import Unit
from tenure.charms.actions import WrongParameter, action_params
from tenure.charms.facts import Facts
from tenure.core.localstate import ACTIONS
from tenure.errors import ProtocolError, Refused, TenureError, Unreachable
from tenure.net.unix import Identity, bind_private, identity
from tenure.wire.exec import (
    MAX_ASK,
    ActionDone,
    ActionEnded,
    Answer,
    Ask,
    Committed,
    ContextOpened,
    Logged,
    OpenContext,
    Refusal,
    RunAction,
    decode_ask,
    decode_end,
    encode_answer,
)

ASK_WITHIN = 10.0

MAX_BACKLOG = 1024 * 1024
"""Bytes of an action's log that nobody reads, before the rest of it is dropped."""

MAX_CONNECTIONS = 64

_CREDENTIALS = struct.Struct("3i")
"""The pid, user and group of SO_PEERCRED."""

_CROWDED = f"too many commands at once (at most {MAX_CONNECTIONS}): try again"


class ExecServer:
    """Serves one unit's exec socket, mode 0600."""

    def __init__(self, unit: Unit, path: Path) -> None:
        self._unit = unit
        self._path = path
        self._server: asyncio.Server | None = None
        self._bound: Identity | None = None
        self._silent: dict[asyncio.StreamWriter, None] = {}
        self._asked = 0
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. Raises Unreachable if that cannot be."""
        try:
            self._server = await asyncio.start_unix_server(
                self._serve, sock=bind_private(self._path), limit=MAX_ASK
            )
            self._bound = identity(self._path)
        except OSError as fault:
            raise Unreachable(
                f"cannot listen on {self._path}: {fault.strerror or fault}: "
                "remove it, or choose another state folder with --state"
            ) from fault

    async def renew(self) -> bool:
        """Listen anew if the socket is gone from its path; whether it was. Raises Unreachable.

        Contexts and actions that are under way go on.
        """
        if self._bound is not None and identity(self._path) == self._bound:
            return False
        if self._server is not None:
            self._server.close()
        await self.start()
        return True

    async def close(self) -> None:
        """Listen no more; returns when what was left of commands has ended."""
        await asyncio.gather(*self._ending, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            try:
                await self._answer(reader, writer)
            except ActionRefused as refusal:
                await _say(writer, Refusal(error=str(refusal), wants_text=refusal.wants_text))
            except TenureError as refusal:
                await _say(writer, Refusal(error=str(refusal)))
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Raises whatever speaks against it."""
        if not self._has_room():
            raise Refused(_CROWDED)
        ask = await self._hear(reader, writer)
        self._asked += 1
        try:
            match ask:
                case RunAction():
                    await self._run(ask, writer)
                case OpenContext():
                    await self._lend(reader, writer)
        finally:
            self._asked -= 1

    def _has_room(self) -> bool:
        """Whether one more can be served; a silent one may have to go for it."""
        if len(self._silent) + self._asked < MAX_CONNECTIONS:
            return True
        oldest = next(iter(self._silent), None)
        if oldest is None:
            return False
        del self._silent[oldest]
        oldest.write(encode_answer(Refusal(error=_CROWDED)))
        oldest.close()
        return True

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Ask:
        """What is asked. Raises ProtocolError if it is no request, or is late."""
        self._silent[writer] = None
        try:
            async with asyncio.timeout(ASK_WITHIN):
                return decode_ask(await reader.readline())
        except TimeoutError as fault:
            raise ProtocolError(f"nothing was asked for {ASK_WITHIN:.0f} s") from fault
        except ValueError as fault:
            raise ProtocolError(f"a request may have {MAX_ASK} bytes") from fault
        finally:
            self._silent.pop(writer, None)

    async def _run(self, ask: RunAction, writer: asyncio.StreamWriter) -> None:
        def log(message: str) -> None:
            self._unit.parts.log.log("INFO", message, f"{ACTIONS}{ask.name}")
            if not writer.is_closing() and writer.transport.get_write_buffer_size() < MAX_BACKLOG:
                writer.write(encode_answer(Logged(text=message)))

        params = checked_params(self._unit.unit, self._unit.parts.charm.facts(), ask)
        done = await self._logged_run(ActionRun(ask.name, params, log), ask.leader)
        await _say(writer, ActionEnded(action=done))

    async def _logged_run(self, run: ActionRun, must_lead: bool) -> ActionDone:
        """Run it, and log how that ended. Raises as `Actions.run` does."""
        source = f"{ACTIONS}{run.name}"
        try:
            done = await self._unit.actions.run(run, must_lead=must_lead)
        except TenureError as refusal:
            self._unit.parts.log.log("WARNING", f"not run: {refusal}", source)
            raise
        level = "INFO" if done.status == "completed" else "ERROR"
        self._unit.parts.log.log(level, told(done), source)
        return done

    async def _lend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _session_of(writer)
        if not self._unit.parts.config.charm.is_dir():
            damage = self._unit.parts.charm.damage() or "the unit has no copy of the charm"
            raise Refused(f"{damage}: {copied_again(self._unit.unit)}")
        hung_up = asyncio.ensure_future(reader.readline())
        opening = asyncio.ensure_future(self._unit.contexts.open())
        await asyncio.wait({hung_up, opening}, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            opening.cancel()
            return
        context, env = opening.result()
        over = asyncio.ensure_future(context.over.wait())
        try:
            cwd = str(self._unit.parts.config.charm)
            await _say(writer, ContextOpened(env=env, cwd=cwd, context=context.context_id))
            await asyncio.wait({hung_up, over}, return_when=asyncio.FIRST_COMPLETED)
            code = _how_it_ended(hung_up)
            if code is None:
                await self._end_command(session, context)
            elif code == 0 and not context.over.is_set():
                result = await self._unit.contexts.conclude(context, HookResult("done", ""))
                failed = "" if result.kind == "done" else result.detail
                await _say(writer, Committed(failed=failed))
        finally:
            over.cancel()
            hung_up.cancel()
            self._unit.contexts.close(context)

    async def _end_command(self, session: int | None, context: HookContext) -> None:
        """The one who was to wait for the command is gone: no hook may run beside it (H6)."""
        context.over.set()
        if session is None:
            return
        ending = asyncio.create_task(asyncio.to_thread(end_command, session, context.context_id))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        try:
            await ending
        except LeftoverStuck as fault:
            self._unit.parts.log.log("ERROR", str(fault), "exec")


def checked_params(unit: str, facts: Facts, ask: RunAction) -> Mapping[str, Any]:
    """The action's parameters, with defaults. Raises ActionRefused."""
    spec = facts.actions.get(ask.name)
    if spec is None:
        known = ", ".join(sorted(facts.actions)) or "none"
        raise ActionRefused(
            f'action "{ask.name}" is not defined by the charm of {unit}; it has: {known}'
        )
    try:
        return action_params(spec, ask.params)
    except WrongParameter as fault:
        raise ActionRefused(f'action "{ask.name}": {fault}', fault.wants_text) from fault


def _how_it_ended(hung_up: asyncio.Future[bytes]) -> int | None:
    """The command's exit code; None if nobody said that it has ended."""
    if not hung_up.done():
        return None
    try:
        line = hung_up.result()  # ValueError: it is longer than a line may be
        return decode_end(line).exit
    except (ProtocolError, ValueError, OSError):
        return None


def _session_of(writer: asyncio.StreamWriter) -> int | None:
    """The session of the process at the other end; None if that cannot be known."""
    here: socket.socket = writer.get_extra_info("socket")
    pid, _, _ = _CREDENTIALS.unpack(
        here.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    peer = read_stat(pid)
    return peer.session if peer is not None else None


async def _say(writer: asyncio.StreamWriter, answer: Answer) -> None:
    writer.write(encode_answer(answer))
    await writer.drain()
