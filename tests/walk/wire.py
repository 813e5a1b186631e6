"""What stands in for an agent's sockets and its disk: the real ends of both, carried by hand."""

from pathlib import Path
from typing import Any

from tenure.core.localstate import LocalState
from tenure.errors import TenureError, Unreachable
from tenure.leadership.connection import Connection
from tenure.leadership.requests import Requests
from tenure.leadership.statefile import StateFile, StateNotSaved
from tenure.wire.messages import (
    Done,
    Failed,
    FromAgent,
    FromController,
)

from .still import nobody


class UnitDisk:
    """What survives the agent. `beside` is being saved, and may be lost with it."""

    def __init__(self, state: LocalState) -> None:
        self.kept = state
        self.beside: LocalState | None = None
        self.full = False

    def write(self, state: LocalState) -> None:
        """Durable on return. Raises StateNotSaved."""
        if self.full:
            raise StateNotSaved("no space left")
        self.kept, self.beside = state, None


class DiskFile(StateFile[LocalState]):
    """A handle on it."""

    def __init__(self, disk: UnitDisk) -> None:
        super().__init__(Path("state.json"), LocalState)
        self.disk = disk
        self.not_saved = False

    def load(self) -> LocalState | None:
        return self.disk.kept

    def save(self, value: LocalState) -> None:
        self.disk.write(value)

    def save_soon(self, value: LocalState) -> None:
        self.disk.write(value)

    def save_beside(self, value: LocalState) -> None:
        self.not_saved = self.disk.full
        self.disk.beside = None if self.disk.full else value

    def fault(self) -> StateNotSaved | None:
        found, self.not_saved = self.not_saved, False
        return StateNotSaved("no space left") if found else None


class Wire(Connection):
    """The agent's end of its connection: the real one, carried by hand."""

    def dialled(self) -> FromAgent:
        """There is a connection; what is said first on it."""
        return self._listener.hello()

    def arrives(self, messages: list[FromController]) -> None:
        """A frame."""
        if not self.ready:
            self._welcome(messages)
            return
        for message in messages:
            self._hear(message)

    def hung_up(self) -> None:
        """The connection is gone."""
        self.ready = False
        self._out.clear()
        self._listener.disconnected(self.cause)

    def taken(self) -> tuple[FromAgent, ...]:
        """What there is to send; ids begin anew when nothing is waited for."""
        out, self._out = self._out, []
        return tuple(out)

    def ask(self, build: Any) -> Any:
        self._ids += 1
        if not self.say(build(self._ids)):
            raise Unreachable(self.cause)
        return self._ids

    def doubt(self) -> None:
        """No sign of life is asked for: who is silent is given up in time."""

    def rest(self) -> None:
        """Nothing is under way: ids may begin anew."""
        self._ids = 0

    def _hear(self, message: FromController) -> None:
        if isinstance(message, Done | Failed):
            self._listener.settled(message)  # type: ignore[attr-defined]
        else:
            super()._hear(message)


class Asks(Requests):
    """The unit's requests, without tasks."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire, nobody, nobody)
        self.waiting: list[int] = []

    @property
    def busy(self) -> bool:
        return bool(self.waiting)

    def ask(self, build: Any, then: Any = nobody, *, over: Any = nobody) -> bool:
        try:
            self.waiting.append(self._connection.ask(build))  # type: ignore[arg-type]
        except TenureError:
            return False
        return True
