"""Each state of a controller or an agent once, and what each move makes of it.

A world is a controller, some agents, and what is under way between them. What a move does to one
side depends on that side alone, so it is done once, and remembered: this is why a walk over real
objects, which must be forked for each move, gets far in a minute.
"""

from __future__ import annotations

from typing import Any

from .graph import Signed, copied, sign


class Pool:
    """States by number. Everything that leaves it is a number or a frozen value."""

    def __init__(self) -> None:
        self._states: list[Any] = []
        self._views: list[Any] = []
        self._numbers: dict[bytes, int] = {}
        self._done: dict[Any, tuple[int, tuple[Any, ...]]] = {}
        self._words: dict[bytes, int] = {}
        self._frames: list[Any] = []
        self._signed: Signed = {}

    @property
    def size(self) -> int:
        """How many states of single sides there are."""
        return len(self._states)

    def put(self, state: Any) -> int:
        """The number of a state; nobody changes it from now on."""
        signed = sign(state, self._signed)
        number = self._numbers.get(signed)
        if number is None:
            number = self._numbers[signed] = len(self._states)
            self._states.append(state)
            self._views.append(state.view())
        return number

    def view(self, number: int) -> Any:
        """What the world may know of a state."""
        return self._views[number]

    def wrong(self, number: int) -> str:
        """The broken promise that this side alone sees; "" if none is."""
        wrong: str = self._states[number].wrong
        return wrong

    def act(self, number: int, move: str, *args: Any) -> tuple[int, tuple[Any, ...]]:
        """The state after a move of it, and what it said meanwhile."""
        asked = (number, move, *args)
        found = self._done.get(asked)
        if found is None:
            state = copied(self._states[number])
            frame = self._frames[args[-1]] if move in ("hear", "arrive") else None
            try:
                getattr(state, move)(*(args if frame is None else (*args[:-1], frame)))
            except Exception as fault:  # because a walk is to tell the way to it
                state.wrong = f"it fails: {fault!r}"
            said = state.take_said(self.frame)
            found = self._done[asked] = self.put(state), said
        return found

    def frame(self, messages: tuple[Any, ...]) -> int:
        """The number of a frame."""
        signed = sign(messages, self._signed)
        number = self._words.get(signed)
        if number is None:
            number = self._words[signed] = len(self._frames)
            self._frames.append(messages)
        return number

    def messages(self, number: int) -> tuple[Any, ...]:
        """What a frame says."""
        frame: tuple[Any, ...] = self._frames[number]
        return frame
