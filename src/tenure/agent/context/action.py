"""An action that an operator runs on a unit: what it was asked, and what it answers.

An action is no hook: nobody owes it, it is run once, and if its agent dies under it, it is not run
again. It waits its turn as hooks do (H6), also while the unit is in error.
"""

from __future__ import annotations

import uuid
from base64 import b64encode
from codecs import utf_8_decode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tenure.agent.hooks.output import Captured
from tenure.agent.hooks.process import HookResult
from tenure.errors import Refused
from tenure.jujuyaml.reader import Tree
from tenure.wire.exec import WRITTEN, ActionDone

MAX_RESULTS = 1024 * 1024
"""Bytes of all results of one action."""

MAX_KEYS = 20
"""Keys of results that the unit's log names."""


MAX_DEPTH = 32
"""Parts of a result's key."""


class ActionRefused(Refused):
    """The action was not run. `wants_text`: see wire.exec.Refusal."""

    def __init__(self, message: str, wants_text: str = "") -> None:
        super().__init__(message)
        self.wants_text = wants_text


class ActionRun:
    """One run of an action; `on_log` hears what it logs (tools.base.Action)."""

    def __init__(
        self, name: str, params: Mapping[str, Tree], on_log: Callable[[str], None]
    ) -> None:
        self.id = str(uuid.uuid4())
        self.name = name
        self.params = params
        self._on_log = on_log
        self._results: dict[str, Any] = {}
        self._size = 0
        self._failed: str | None = None

    @property
    def variables(self) -> dict[str, str]:
        """What its environment says of it."""
        return {
            "JUJU_ACTION_NAME": self.name,
            "JUJU_ACTION_UUID": self.id,
            "JUJU_ACTION_TAG": f"action-{self.id}",
        }

    def set(self, keys: tuple[str, ...], value: str) -> None:
        """See tools.base.Action; a value makes way for a branch of its name, and the other way."""
        self._size += len(value.encode("utf-8", "replace")) + sum(map(len, keys))
        if self._size > MAX_RESULTS:
            raise ActionRefused(f"the results of an action may take {MAX_RESULTS} bytes")
        if len(keys) > MAX_DEPTH:
            raise ActionRefused(f"a result's key may have {MAX_DEPTH} parts")
        *path, last = keys
        place = self._results
        for key in path:
            if not isinstance(place.get(key), dict):
                place[key] = {}
            place = place[key]
        place[last] = value

    def fail(self, message: str) -> None:
        """See tools.base.Action."""
        self._failed = message

    def log(self, message: str) -> None:
        """See tools.base.Action."""
        self._on_log(message)

    def ended(self, result: HookResult) -> ActionDone:
        """What the operator is told."""
        message = self._failed
        if message is None and result.kind != "done":
            message = result.detail
        return ActionDone(
            id=self.id,
            status="completed" if message is None else "failed",
            message=message or "",
            results={**self._results, **_written(result)},
            exit=_exit_code(result),
            cut=_cut(result),
        )


def _written(result: HookResult) -> dict[str, Any]:
    """What it printed and its exit code, under the names that Juju gives them among results."""
    found: dict[str, Any] = {"return-code": _exit_code(result)}
    for name, captured in _streams(result).items():
        found[name], encoding = _text_of(captured)
        if encoding:
            found[f"{name}-encoding"] = encoding
    return found


def _streams(result: HookResult) -> dict[str, Captured]:
    """Those that something was written to."""
    streams = {"stdout": result.stdout, "stderr": result.stderr}
    return {name: captured for name, captured in streams.items() if captured and captured.size}


def _text_of(captured: Captured) -> tuple[str, str]:
    """The text, and "base64" if that is what it is since it is no UTF-8."""
    content = bytes(captured.content)
    try:
        text, _ = utf_8_decode(content, "strict", captured.size == len(content))
    except UnicodeDecodeError:
        return b64encode(content).decode(), "base64"
    return text, ""


def _cut(result: HookResult) -> dict[str, int]:
    return {
        name: captured.size
        for name, captured in _streams(result).items()
        if captured.size > len(captured.content)
    }


def _exit_code(result: HookResult) -> int:
    if result.kind == "done":
        return 0
    return 1 if result.exit_code is None else result.exit_code


def told(done: ActionDone) -> str:
    """The end for the unit's log: who asked may not be there any more. Of results the keys only,
    because a value may be a secret."""
    end = f"{done.status}: {done.message}" if done.message else done.status
    keys = sorted(set(_keys(done.results)) - set(WRITTEN))
    if not keys:
        return f"{end}, without results"
    more = f" and {len(keys) - MAX_KEYS} more" if len(keys) > MAX_KEYS else ""
    return f"{end}, with results {', '.join(keys[:MAX_KEYS])}{more}; values are not logged"


def _keys(results: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in results.items():
        if isinstance(value, Mapping):
            yield from _keys(value, f"{above}{key}.")
        else:
            yield f"{above}{key}"
