"""What tests see of hooks and of tool calls once they have happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Call:
    """One call of a hook tool. `at` is in virtual seconds since the stage began, `hook` the hook
    that called it ("" for a command of `exec`, `actions/NAME` for an action). While it is served,
    `code` is None."""

    tool: str
    args: tuple[str, ...]
    hook: str
    at: float
    code: int | None = None
    stdout: str = ""
    stderr: str = ""
    number: int = field(default=0, repr=False)
    """Among all that happened on the stage."""


@dataclass(slots=True)
class HookRun:
    """One run of a hook. `result` is "done", "failed" or "killed", and None while it runs; `detail`
    says how it failed. `began` and `ended` are in virtual seconds since the stage began."""

    hook: str
    began: float
    env: Mapping[str, str]
    ended: float | None = None
    result: str | None = None
    detail: str = ""
    stdout: str = ""
    stderr: str = ""
    calls: list[Call] = field(default_factory=list)
    number: int = field(default=0, repr=False)
    ended_number: int | None = field(default=None, repr=False)

    @property
    def reason(self) -> str | None:
        """Why it ran (TENURE_REASON), of those hooks that are told."""
        return self.env.get("TENURE_REASON")

    @property
    def term(self) -> int | None:
        """The term it is about (TENURE_TERM), of those hooks that are told."""
        term = self.env.get("TENURE_TERM")
        return None if term is None else int(term)


class HookRuns(list[HookRun]):
    """The runs of a unit's hooks, in order."""

    @property
    def names(self) -> list[str]:
        """Their names, to compare."""
        return [run.hook for run in self]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command of `exec`, or an action, ended. An action's `status` is "completed" or
    "failed"."""

    code: int
    stdout: str
    stderr: str
    status: str = ""
    message: str = ""
    results: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkSpan:
    """Some work that a charm logged the begin and the end of. Its end is its hook's, if it was
    never logged."""

    unit: str
    began: float
    ended: float | None
    first: int = field(repr=False)
    last: int | None = field(repr=False)

    def overlaps(self, other: WorkSpan) -> bool:
        """Whether both were under way at once."""
        one_before = self.last is not None and self.last < other.first
        other_before = other.last is not None and other.last < self.first
        return not one_before and not other_before


class WorkSpans(list[WorkSpan]):
    """Spans of all units of an application, in the order in which they began."""

    def overlaps(self) -> list[tuple[WorkSpan, WorkSpan]]:
        """Those of two units that were under way at once."""
        return [
            (one, other)
            for at, one in enumerate(self)
            for other in self[at + 1 :]
            if one.unit != other.unit and one.overlaps(other)
        ]
